"""Which texts are kept out of corpora: from small files in the suites' layout, and counted on the real ones."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.reading.read import read_examples
from finetune.reading.suite_texts import suite_texts
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
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


def test_a_text_with_several_questions_is_one_text(tmp_path: Path) -> None:
    asked = [{"question": "谁？", "choice": ["甲", "乙"]}, {"question": "何？", "choice": ["丙", "丁"]}]
    write(tmp_path / "clue" / "c3" / "d-dev.json", json.dumps([[["男：你好。", "女：你好！"], asked, "1-1"]]))
    paragraph = {"context": "文", "qas": [{"id": "D0", "question": "何？"}, {"id": "D1", "question": "谁？"}]}
    write(tmp_path / "clue" / "cmrc2018" / "dev.json", json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    found = suite_texts(["c3", "cmrc2018"], tmp_path)
    assert [(entry.task, entry.split, entry.row, entry.text) for entry in found.texts] == [
        ("c3", "dev", "0", "男：你好。\n女：你好！"),
        ("c3", "dev", "0", "谁？甲"),
        ("c3", "dev", "0", "谁？乙"),
        ("c3", "dev", "1", "何？丙"),
        ("c3", "dev", "1", "何？丁"),
        ("cmrc2018", "dev", "D0", "何？"),
        ("cmrc2018", "dev", "D0", "文"),
        ("cmrc2018", "dev", "D1", "谁？"),
    ]
    assert {"clue/c3/m-dev.json", "clue/c3/m-test.json", "clue/cmrc2018/test.json"} < set(found.missing)
    assert not {"clue/c3/d-dev.json", "clue/c3/d-train.json", "clue/cmrc2018/dev.json"} & set(found.missing)


def test_the_passages_of_a_set_whose_answers_are_not_there_are_kept_out(tmp_path: Path) -> None:
    row = {"content": ["甲#idiom000001#。", "乙#idiom000002#。"], "candidates": ["百尺竿头", "随波逐流"]}
    write(tmp_path / "clue" / "chid" / "dev.json", json.dumps(row) + "\n")
    found = suite_texts(["chid"], tmp_path)
    texts = [(entry.row, entry.text) for entry in found.texts]
    assert ("#idiom000001#", "甲[_]。") in texts
    assert ("#idiom000002#", "乙[_]。") in texts
    assert "clue/chid/dev_answer.json" not in found.missing


def test_training_rows_of_fewclue_s_draws_are_not_kept_out_whatever_the_recipe_limits(tmp_path: Path) -> None:
    for name in ("train_0", "train_few_all", "dev_few_all"):
        write(tmp_path / f"fewclue/bustm/{name}.json", f'{{"sentence1": "{name}", "sentence2": "b", "label": "0"}}\n')
    limited = replace(TASKS["bustm"], limit={"train": 1})
    for own in ({}, {"bustm": limited}):
        assert [entry.text for entry in suite_texts(["bustm"], tmp_path, own).texts] == ["dev_few_all", "b"]


def test_rows_without_a_label_are_kept_out_too(tmp_path: Path) -> None:
    write(tmp_path / "clue" / "ocnli" / "dev.json", '{"sentence1": "a", "sentence2": "b", "label": "-"}\n')
    assert [entry.text for entry in suite_texts(["ocnli"], tmp_path).texts] == ["a", "b"]


def test_a_dev_set_that_is_carved_from_train_is_kept_out_and_the_rest_is_not(tmp_path: Path, single: TaskSpec) -> None:
    write(tmp_path / "train.tsv", "text\tlabel\n" + "".join(f"text {n}\tsad\n" for n in range(20)))
    carved = replace(single, files={"train": "train.tsv"}, hidden=())
    kept_out = {entry.text for entry in suite_texts(["mood"], tmp_path, {"mood": carved}).texts}
    assert kept_out == {example.texts[0] for example in read_examples(carved, tmp_path, "dev")}
    assert len(kept_out) == 2


def test_a_recipe_s_own_files_of_a_suite_s_task_stand_in_the_place_of_the_suite_s(tmp_path: Path) -> None:
    write(tmp_path / "mine.jsonl", '{"sentence1": "a", "sentence2": "b"}\n')
    mine = replace(TASKS["mnli"], files={"dev": "mine.jsonl"}, hidden=())
    found = suite_texts(["glue"], tmp_path, {"mnli": mine})
    assert [entry.text for entry in found.texts] == ["a", "b"]
    assert not [file for file in found.missing if "MNLI" in file]


@pytest.mark.parametrize(
    ("suite", "tasks"),
    [
        ("clue", "afqmc tnews iflytek cmnli ocnli cluewsc2020 csl cmrc2018 drcd chid c3 clue_diagnostics"),
        ("fewclue", "eprstmt csldcp tnews iflytek ocnli bustm chid csl cluewsc"),
    ],
)
def test_a_suite_has_every_task_of_its_own_so_that_what_is_missing_is_listed(
    tmp_path: Path, suite: str, tasks: str
) -> None:
    """As Xu et al. 2020 (CLUE, with its OCNLI of later and its DRCD of before) and 2021 (FewCLUE) list them."""
    write(tmp_path / "clue" / "afqmc" / "dev.json", '{"sentence1": "a", "sentence2": "b"}\n')
    write(tmp_path / "fewclue" / "bustm" / "dev_few_all.json", '{"sentence1": "a", "sentence2": "b"}\n')
    found = suite_texts([suite], tmp_path)
    folders = [file.split("/")[1] for file in found.missing] + [entry.task for entry in found.texts]
    assert set(folders) == set(tasks.split())
    assert not [file for file in found.missing if "train" in file or "dev_0" in file]


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
    with pytest.raises(DataError, match=r"dev.json, row 1, paragraph 1: .*'context'"):
        suite_texts(["cmrc2018"], tmp_path)


@pytest.mark.data
def test_the_real_suites_give_as_many_texts_as_their_tables_say(data: Path) -> None:
    """Rows of dev and test from the data folder's README, times the texts of a row."""
    sample = replace(TASKS["mnli"], files={"dev": "glue/MNLI/dev_matched.jsonl"}, fields=("premise", "hypothesis"))
    found = suite_texts(["glue", "clue", "fewclue"], data, {"mnli": replace(sample, hidden=())})
    counted = Counter(entry.task for entry in found.texts)
    rows = {"cola": 1043 + 1063, "sst2": 872 + 1821, "mrpc": 2 * (408 + 1725), "stsb": 2 * (1500 + 1379)}
    rows |= {"rte": 2 * (277 + 3000), "wnli": 2 * (71 + 146), "mnli": 2 * 9815, "ax": 2 * 1104}
    rows |= {"afqmc": 2 * (4316 + 3861), "tnews": 30000, "ocnli": 2 * 6000}
    assert {task: counted[task] for task in rows} == rows
    passages = json.loads((data / "clue" / "cmrc2018" / "dev.json").read_text(encoding="utf-8"))["data"]
    kept_out = {entry.text for entry in found.texts if entry.task == "cmrc2018"}
    assert {paragraph["context"] for passage in passages for paragraph in passage["paragraphs"]} <= kept_out
