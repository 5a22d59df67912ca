"""What the boards take is accepted: names, sizes and labels as their own pages and programs have them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission

GLUE = {
    "AX.tsv": (1104, {"entailment", "neutral", "contradiction"}),
    "CoLA.tsv": (1063, {"0", "1"}),
    "MNLI-m.tsv": (9796, {"entailment", "neutral", "contradiction"}),
    "MNLI-mm.tsv": (9847, {"entailment", "neutral", "contradiction"}),
    "MRPC.tsv": (1725, {"0", "1"}),
    "QNLI.tsv": (5463, {"entailment", "not_entailment"}),
    "QQP.tsv": (390965, {"0", "1"}),
    "RTE.tsv": (3000, {"entailment", "not_entailment"}),
    "SST-2.tsv": (1821, {"0", "1"}),
    "STS-B.tsv": (1379, set()),
    "WNLI.tsv": (146, {"0", "1"}),
}
TERNARY = {"entailment", "neutral", "contradiction"}
TNEWS = {str(number) for number in range(100, 117)} - {"105", "111"}
EMOTIONS = {"like", "happiness", "sadness", "fear", "anger", "disgust", "surprise"}
LABELS = {
    "clue": {
        "afqmc_predict.json": {"0", "1"},
        "tnews11_predict.json": TNEWS,
        "iflytek_predict.json": {str(number) for number in range(119)},
        "ocnli_50k_predict.json": TERNARY,
        "cmnli_predict.json": TERNARY,
        "cluewsc11_predict.json": {"true", "false"},
        "csl_predict.json": {"0", "1"},
        "cmrc2018_predict.json": set(),
        "chid11_predict.json": set(),
        "c311_predict.json": set(),
        "diagnostics_predict.json": TERNARY,
    },
    "clue10": {
        "afqmc_predict.json": {"0", "1"},
        "tnews10_predict.json": TNEWS,
        "iflytek_predict.json": {str(number) for number in range(119)},
        "cmnli_predict.json": TERNARY,
        "cluewsc10_predict.json": {"true", "false"},
        "csl_predict.json": {"0", "1"},
        "cmrc2018_predict.json": set(),
        "chid10_predict.json": set(),
        "c310_predict.json": set(),
    },
    "tianchi": {
        "ocnli_predict.json": {"0", "1", "2"},
        "ocemotion_predict.json": EMOTIONS,
        "tnews_predict.json": TNEWS,
    },
}


def test_glue_s_files_have_the_names_sizes_and_labels_of_its_board() -> None:
    assert {file.name: (file.rows, set(file.names.values())) for file in BOARDS["glue"].files} == GLUE


@pytest.mark.parametrize("suite", LABELS)
def test_the_chinese_boards_have_these_files_and_label_strings(suite: str) -> None:
    assert {file.name: set(file.names.values()) for file in BOARDS[suite].files} == LABELS[suite]


def test_fewclue_s_files_keep_the_f_and_chid_alone_calls_its_answer_so() -> None:
    tasks = ("eprstmt", "bustm", "ocnlif", "csldcp", "tnewsf", "cluewscf", "iflytekf", "cslf", "chidf")
    files = BOARDS["fewclue"].files
    assert [file.name for file in files] == [f"{task}_predict.json" for task in tasks]
    assert [file.task for file in files if file.key == "answer"] == ["chidf"]
    assert [file.task for file in files if file.text_ids] == ["tnewsf"]


def test_the_contest_s_numbers_of_ocnli_go_from_entailment_to_contradiction() -> None:
    (ocnli,) = (file for file in BOARDS["tianchi"].files if file.name == "ocnli_predict.json")
    assert ocnli.names == {"entailment": "0", "neutral": "1", "contradiction": "2"}


@pytest.mark.parametrize("suite", BOARDS)
def test_every_file_holds_answers_of_a_split_that_its_task_has_and_hides(suite: str) -> None:
    for file in BOARDS[suite].files:
        assert file.split in file.spec.files, file.name
        assert file.split in file.spec.hidden, file.name


@pytest.mark.parametrize("suite", BOARDS)
def test_a_sound_zip_of_each_suite_is_accepted(
    suite: str, sound: Mapping[str, Mapping[str, bytes]], zipped: Callable[..., Path]
) -> None:
    verdict = check_submission(zipped(sound[suite]), BOARDS[suite])
    assert verdict.findings == ()
    assert verdict.accepted


@pytest.mark.parametrize("suite", ["clue", "clue10", "fewclue"])
def test_a_single_task_is_a_submission_where_the_board_takes_parts(
    suite: str, sound: Mapping[str, Mapping[str, bytes]], zipped: Callable[..., Path]
) -> None:
    name, *others = (file.name for file in BOARDS[suite].files if not file.optional)
    verdict = check_submission(zipped({name: sound[suite][name]}), BOARDS[suite])
    assert verdict.accepted
    (warning,) = verdict.warnings
    assert f"not in it: {', '.join(others)}. Their tasks will have no score" in str(warning)
