"""Which texts are kept out of corpora: from small files in the suites' layout, and counted on the real ones."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.tasks.spec import TaskSpec
from finetune.tasks.suite_files import SUITES
from finetune.tasks.suite_texts import suite_texts
from tokenization.cleaning.contamination import KeptOutText
from tokenization.errors import DataError, RecipeError


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_every_split_but_training_counts_whether_labelled_or_not(tmp_path: Path, single: TaskSpec) -> None:
    write(tmp_path / "train.tsv", "text\tlabel\nlearn me\tsad\n")
    write(tmp_path / "dev.tsv", "text\tlabel\na\tsad\nb\tglad\n")
    write(tmp_path / "test.tsv", "index\ttext\n0\tc\n")
    limited = replace(single, limit={"dev": 1})
    assert suite_texts(["mood"], tmp_path, {"mood": limited}).texts == (
        KeptOutText("mood", "dev", "0", "a"),
        KeptOutText("mood", "dev", "1", "b"),
        KeptOutText("mood", "test", "0", "c"),
    )


def test_a_tagged_sentence_is_its_words(tmp_path: Path, tagging: TaskSpec) -> None:
    write(tmp_path / "dev.jsonl", '{"words": ["Ada", "sings"], "tags": ["B-PER", "O"]}\n')
    assert [entry.text for entry in suite_texts(["names"], tmp_path, {"names": tagging}).texts] == ["Ada sings"]


def test_nested_json_gives_its_texts_with_their_places(tmp_path: Path) -> None:
    dialogue = [["男：你好。", "女：你好！"], [{"question": "谁？", "choice": ["甲"], "answer": "甲"}], "1-1"]
    write(tmp_path / "clue" / "c3" / "d-dev.json", json.dumps([dialogue, dialogue]))
    paragraph = {"id": "DEV_0", "context": "文", "qas": [{"question": "何？"}, {"question": "谁？"}]}
    write(tmp_path / "clue" / "cmrc2018" / "dev.json", json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    found = suite_texts(["c3", "cmrc2018"], tmp_path)
    assert found.texts == (
        KeptOutText("c3", "dev-d", "0", "男：你好。\n女：你好！"),
        KeptOutText("c3", "dev-d", "1", "男：你好。\n女：你好！"),
        KeptOutText("c3", "dev-d", "0.0", "谁？"),
        KeptOutText("c3", "dev-d", "1.0", "谁？"),
        KeptOutText("cmrc2018", "dev", "0.0", "文"),
        KeptOutText("cmrc2018", "dev", "0.0.0", "何？"),
        KeptOutText("cmrc2018", "dev", "0.0.1", "谁？"),
    )
    assert found.missing == (
        "clue/c3/m-dev.json",
        "clue/c3/d-test.json",
        "clue/c3/m-test.json",
        "clue/cmrc2018/test.json",
    )


def test_rows_of_several_passages_give_a_text_for_each(tmp_path: Path) -> None:
    rows = [{"content": ["甲#idiom000001#。", "乙。"], "candidates": ["百尺竿头"]}, {"content": ["丙。"]}]
    write(tmp_path / "clue" / "chid" / "dev.json", "".join(json.dumps(row) + "\n" for row in rows))
    found = [entry for entry in suite_texts(["clue"], tmp_path).texts if entry.task == "chid"]
    assert [(entry.row, entry.text) for entry in found] == [
        ("0.0", "甲#idiom000001#。"),
        ("0.1", "乙。"),
        ("1.0", "丙。"),
    ]
    write(tmp_path / "clue" / "chid" / "dev.json", '{"content": ["a"]}\n{"content": ]\n')
    with pytest.raises(DataError, match=r"chid/dev.json, line 2, column 13: not valid JSON"):
        suite_texts(["clue"], tmp_path)


@pytest.mark.parametrize(
    ("suite", "tasks"),
    [
        ("clue", "afqmc tnews iflytek cmnli ocnli cluewsc2020 csl cmrc2018 drcd chid c3"),
        ("fewclue", "eprstmt csldcp tnews iflytek ocnli bustm chid csl cluewsc"),
    ],
)
def test_a_suite_has_every_task_of_its_own_so_that_what_is_missing_is_listed(
    tmp_path: Path, suite: str, tasks: str
) -> None:
    """As Xu et al. 2020 (CLUE, with its OCNLI of later and its DRCD of before) and 2021 (FewCLUE) list them."""
    write(tmp_path / "clue" / "afqmc" / "dev.json", '{"sentence1": "a", "sentence2": "b"}\n')
    write(tmp_path / "fewclue" / "chid" / "dev_few_all.json", '{"content": "a"}\n')
    found = suite_texts([suite], tmp_path)
    names = [file.split("/")[1] for file in found.missing] + [entry.task for entry in found.texts]
    assert set(names) == set(tasks.split())


def test_files_of_a_suite_that_are_not_there_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "glue" / "RTE" / "dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n")
    found = suite_texts(["glue"], tmp_path)
    assert [entry.text for entry in found.texts] == ["a", "b"]
    assert "glue/RTE/test.tsv" in found.missing
    assert "glue/QQP/dev.tsv" in found.missing
    assert not [file for file in found.missing if "train" in file]


def test_a_suite_of_which_nothing_is_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing of 'clue' is in the data folder .*afqmc/dev.json.*leave 'clue' out"):
        suite_texts(["clue"], tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"'glu' is no suite and no task; .*Did you mean 'glue'"):
        suite_texts(["glu"], tmp_path)


def test_broken_json_is_refused_with_its_place(tmp_path: Path) -> None:
    write(tmp_path / "clue" / "c3" / "d-dev.json", "[\n[,]\n")
    with pytest.raises(DataError, match=r"d-dev.json, line 2, column 2: not valid JSON"):
        suite_texts(["c3"], tmp_path)


def test_json_of_another_shape_is_refused_with_its_place(tmp_path: Path) -> None:
    write(tmp_path / "clue" / "cmrc2018" / "dev.json", '{"data": [{"paragraphs": [{"text": "a"}]}]}')
    with pytest.raises(DataError, match=r"dev.json: not laid out as .* no text at data\.\*\.paragraphs\.\*\.context"):
        suite_texts(["cmrc2018"], tmp_path)


@pytest.mark.data
def test_the_real_suites_give_as_many_texts_as_their_tables_say(data: Path) -> None:
    """Rows of dev and test from the data folder's README, times the texts of a row."""
    found = suite_texts(list(SUITES), data)
    counted = Counter(entry.task for entry in found.texts)
    rows = {"cola": 1043 + 1063, "sst2": 872 + 1821, "mrpc": 2 * (408 + 1725), "stsb": 2 * (1500 + 1379)}
    rows |= {"rte": 2 * (277 + 3000), "wnli": 2 * (71 + 146), "mnli": 2 * 9815, "ax": 2 * 1104}
    rows |= {"afqmc": 2 * (4316 + 3861), "tnews": 30000, "ocnli": 2 * 6000}
    assert {task: counted[task] for task in rows} == rows
    questions = [entry for entry in found.texts if entry.task == "cmrc2018" and entry.row.count(".") == 2]
    assert len(questions) == 3219 + 2000
    questions = [entry for entry in found.texts if entry.task == "c3" and "." in entry.row]
    assert len(questions) == 3816 + 3892
