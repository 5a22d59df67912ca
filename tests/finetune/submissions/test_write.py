"""From predictions to the zip: the board's own words for our labels, ids kept, nothing written that it would reject."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from finetune.submissions.board import AnswerFile, Board
from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission
from finetune.submissions.predicted import answered, entities
from finetune.submissions.write import write_submission
from finetune.tasks.suites import SUITES
from finetune.tasks.table import TASKS
from tokenization.errors import DataError, RecipeError

NAMES = {
    "cola": "acceptable",
    "sst2": "positive",
    "mrpc": "equivalent",
    "qqp": "not_duplicate",
    "stsb": 5.2345,
    "tnews": "116",
    "tianchi-ocnli": "contradiction",
}
"""Answers under our names; the first label where nothing is said."""


def predictions(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def predicted(folder: Path, file: AnswerFile, rows: int | None = None) -> None:
    """Predictions of a file, as `evaluate` writes them."""
    answer = {"place": 3, "text": "范廷颂"}.get(file.answer) or NAMES.get(file.task) or file.spec.labels[0]
    ids = ids_of(file)[:rows]
    scores = [0.5, 0.5]
    named = f"{file.task}.{file.split}"
    predictions(folder, named, [{"id": identity, "label": answer, "scores": scores} for identity in ids])


def ids_of(file: AnswerFile) -> list[str]:
    """Of the predictions; 40 where the number of rows is open."""
    form = {"cmrc2018": "TEST_{}_QUERY_0", "chid": "#idiom{}#"}.get(file.task, "{}")
    return [form.format(row) for row in range(file.rows or 40)]


def read(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions of all of GLUE but WNLI and QQP, in the folder that `evaluate --out` names."""
    folder = tmp_path_factory.mktemp("glue")
    for file in BOARDS["glue"].files:
        if file.task not in ("wnli", "qqp"):
            predicted(folder / "predictions", file)
    return folder


def test_a_part_of_glue_is_refused_with_what_is_missing_and_the_ways_out(glue: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        write_submission(glue, BOARDS["glue"], tmp_path / "glue.zip")
    for words in ("qqp.test.jsonl (QQP.tsv)", "wnli.test.jsonl (WNLI.tsv)", "all of its 11", "--fill-missing"):
        assert words in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_glue_is_written_in_the_board_s_words_and_what_is_missing_filled_when_asked(glue: Path, tmp_path: Path) -> None:
    written = write_submission(glue, BOARDS["glue"], tmp_path / "glue.zip", fill=True)
    files = read(tmp_path / "glue.zip")
    assert list(files) == [file.name for file in BOARDS["glue"].files]
    second = {name: text.split("\n", 2)[1].split("\t") for name, text in files.items()}
    assert second["CoLA.tsv"] == second["SST-2.tsv"] == second["MRPC.tsv"] == ["0", "1"]
    assert second["STS-B.tsv"] == ["0", "5.000"]  # clipped
    assert second["AX.tsv"] == second["MNLI-m.tsv"] == ["0", TASKS["mnli"].labels[0]]
    assert files["WNLI.tsv"] == "index\tprediction\n" + "".join(f"{row}\t0\n" for row in range(146))
    assert [file.name for file in written.filled] == ["QQP.tsv", "WNLI.tsv"]
    assert written.answers["QQP.tsv"] == 390965
    assert written.verdict.accepted


def test_scores_are_clipped_and_keep_three_decimals(tmp_path: Path) -> None:
    (stsb,) = (file for file in BOARDS["glue"].files if file.task == "stsb")
    scores = [1.23456, -0.2, 5.2, 4]
    predictions(tmp_path, "scores", [{"id": str(row), "label": score} for row, score in enumerate(scores)])
    found = answered(tmp_path / "scores.jsonl", stsb, None)
    assert [answer.value for answer in found] == ["1.235", "0.000", "5.000", "4.000"]


@pytest.mark.parametrize("suite", ["clue", "clue10", "fewclue", "tianchi", "tianchi-a"])
def test_each_suite_is_written_whole_and_taken(suite: str, tmp_path: Path) -> None:
    for file in BOARDS[suite].files:
        predicted(tmp_path, file)
    written = write_submission(tmp_path, BOARDS[suite], tmp_path / "out.zip")
    assert list(read(tmp_path / "out.zip")) == [file.name for file in BOARDS[suite].files]
    assert not written.missing
    assert check_submission(tmp_path / "out.zip", BOARDS[suite]).findings == ()


def test_the_chinese_boards_lines_are_as_their_examples(tmp_path: Path) -> None:
    first = {}
    for suite in ("clue", "fewclue", "tianchi"):
        for file in BOARDS[suite].files:
            predicted(tmp_path / suite, file)
        write_submission(tmp_path / suite, BOARDS[suite], tmp_path / f"{suite}.zip")
        first |= {f"{suite}/{name}": text.split("\n")[0] for name, text in read(tmp_path / f"{suite}.zip").items()}
    assert first["clue/tnews11_predict.json"] == '{"id": 0, "label": "116"}'
    assert first["clue/c311_predict.json"] == '{"id": 0, "label": 3}'
    assert first["fewclue/tnewsf_predict.json"] == '{"id": "0", "label": "100"}'
    assert first["fewclue/chidf_predict.json"] == '{"id": 0, "answer": 3}'
    assert first["tianchi/ocnli_predict.json"] == '{"id": "0", "label": "2"}'
    whole = json.loads(read(tmp_path / "clue.zip")["chid11_predict.json"])
    assert whole["#idiom0#"] == 3


def test_a_part_of_clue_is_written_and_the_rest_named(tmp_path: Path) -> None:
    predicted(tmp_path, BOARDS["clue"].files[0])
    written = write_submission(tmp_path, BOARDS["clue"], tmp_path / "clue.zip")
    assert written.answers == {"afqmc_predict.json": 3861}
    assert [file.task for file in written.missing] == [file.task for file in BOARDS["clue"].files[1:]]


def test_predictions_of_the_development_set_are_no_submission(tmp_path: Path) -> None:
    predictions(tmp_path, "afqmc", [{"id": "0", "label": "1"}])
    with pytest.raises(DataError, match=r"Nothing to hand in.*--split test"):
        write_submission(tmp_path, BOARDS["clue"], tmp_path / "clue.zip")


def test_clue_10_asks_for_its_suite_which_knows_its_own_test_sets(tmp_path: Path) -> None:
    tmp_path.joinpath("predictions").mkdir()
    with pytest.raises(DataError, match="--suite clue10 --split test --out"):
        write_submission(tmp_path, BOARDS["clue10"], tmp_path / "clue.zip")


@pytest.mark.parametrize("board", BOARDS.values())
def test_what_a_message_says_to_evaluate_predicts_the_board_s_own_splits(board: Board) -> None:
    if board.whole:  # told by its tasks
        assert all(file.split in file.spec.named("test") for file in board.files)
    else:  # told by its suite
        assert all(file.split in SUITES[board.name].splits(file.spec, "test") for file in board.files)


def test_a_board_that_takes_parts_is_not_filled(tmp_path: Path) -> None:
    predicted(tmp_path, BOARDS["clue"].files[0])
    with pytest.raises(RecipeError, match=r"CLUE 1\.1 is none"):
        write_submission(tmp_path, BOARDS["clue"], tmp_path / "clue.zip", fill=True)


def test_what_the_board_would_reject_is_not_written_and_nothing_is_left(tmp_path: Path) -> None:
    predicted(tmp_path / "given", BOARDS["clue"].files[0], rows=3860)
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=r"afqmc_predict.json: 3,860 answers, the test set has 3,861 rows"):
        write_submission(tmp_path / "given", BOARDS["clue"], tmp_path / "out" / "clue.zip")
    assert not list((tmp_path / "out").iterdir())


def test_the_same_predictions_give_the_same_bytes(tmp_path: Path) -> None:
    predicted(tmp_path, BOARDS["clue"].files[0])
    for name in ("one.zip", "two.zip"):
        write_submission(tmp_path, BOARDS["clue"], tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "0", "label": "2"}, "label '2' is not one of task 'afqmc'; allowed: 0, 1"),
        ({"id": "0", "label": 1}, "label 1 is not one of task 'afqmc'"),
        ({"id": "zero", "label": "1"}, "id 'zero'; afqmc_predict.json takes numbers"),
        ({"id": 0, "label": "1"}, "is no prediction"),
        ({"label": "1"}, "is no prediction"),
    ],
)
def test_a_line_that_is_no_prediction_of_the_task_is_told_with_its_place(
    row: dict[str, Any], words: str, tmp_path: Path
) -> None:
    predictions(tmp_path, "afqmc.test", [row])
    with pytest.raises(DataError) as refused:
        write_submission(tmp_path, BOARDS["clue"], tmp_path / "clue.zip")
    assert "afqmc.test.jsonl, line 1: " in str(refused.value)
    assert words in str(refused.value)


def test_an_answer_keeps_all_that_unicode_lets_end_a_line_but_json_does_not(tmp_path: Path) -> None:
    (file,) = (file for file in BOARDS["clue"].files if file.answer == "text")
    answer = "范\u2028廷\u2029颂\x85完\x0b\x0c\x1c"
    predictions(tmp_path, "texts", [{"id": key, "label": answer} for key in ("a", "b")])
    assert [found.value for found in answered(tmp_path / "texts.jsonl", file, None)] == [answer, answer]


def test_predictions_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "afqmc.test.jsonl").write_bytes(b'{"id": "0", "label": "\xff"}\n')
    with pytest.raises(DataError, match=r"afqmc\.test\.jsonl: broken UTF-8 at byte 22"):
        write_submission(tmp_path, BOARDS["clue"], tmp_path / "clue.zip")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        write_submission(tmp_path / "none", BOARDS["clue"], tmp_path / "clue.zip")


def test_the_entities_of_bio_tags_end_within() -> None:
    tags = ["B-name", "I-name", "B-name", "O", "I-book", "I-name"]
    assert entities(tags) == [("name", 0, 1), ("name", 2, 2), ("book", 4, 4), ("name", 5, 5)]


def test_cluener_s_spans_count_the_characters_of_the_raw_text(tmp_path: Path) -> None:
    texts = ["四川敦煌学，周荫如", "彭小军 认为，国内银行", "没有"]
    tags = [
        ["O"] * 6 + ["B-name", "I-name", "I-name"],
        ["B-name", "I-name", "I-name", *["O"] * 6, "B-company", "O"],
        ["O", "O"],
    ]
    test = tmp_path / "data" / TASKS["cluener"].paths("test")[0]
    test.parent.mkdir(parents=True)
    rows = (json.dumps({"id": row, "text": text}, ensure_ascii=False) for row, text in enumerate(texts))
    test.write_text("\n".join(rows) + "\n", encoding="utf-8")
    predictions(tmp_path, "cluener.test", [{"id": str(row), "label": tag} for row, tag in enumerate(tags)])
    write_submission(tmp_path, BOARDS["cluener"], tmp_path / "ner.zip", tmp_path / "data")
    assert [json.loads(line) for line in read(tmp_path / "ner.zip")["cluener_predict.json"].splitlines()] == [
        {"id": 0, "label": {"name": {"周荫如": [[6, 8]]}}},
        {"id": 1, "label": {"name": {"彭小军": [[0, 2]]}, "company": {"银": [[9, 9]]}}},
        {"id": 2, "label": {}},
    ]


def test_cluener_without_its_raw_text_is_refused(tmp_path: Path) -> None:
    predictions(tmp_path, "cluener.test", [{"id": "0", "label": ["O"]}])
    with pytest.raises(DataError, match="counts characters of the raw text, which --data must hold"):
        write_submission(tmp_path, BOARDS["cluener"], tmp_path / "ner.zip")
