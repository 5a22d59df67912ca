"""The boards, each as one literal."""

from dataclasses import replace
from functools import partial

from finetune.submissions.board import AnswerFile, Board
from finetune.tasks.suites import SUITES

_tsv = partial(AnswerFile, form="tsv")

GLUE = Board(
    name="glue",
    title="GLUE",
    whole=True,
    rows_fixed=True,
    source="gluebenchmark.com; file names and label strings as jiant's benchmarks.py writes them",
    files=(
        _tsv("AX.tsv", "ax", filler="entailment"),
        _tsv("CoLA.tsv", "cola", filler="1"),
        _tsv("MNLI-m.tsv", "mnli", "test_matched", filler="entailment"),
        _tsv("MNLI-mm.tsv", "mnli", "test_mismatched", filler="entailment"),
        _tsv("MRPC.tsv", "mrpc", filler="1"),
        _tsv("QNLI.tsv", "qnli", filler="entailment"),
        _tsv("QQP.tsv", "qqp", filler="0"),
        _tsv("RTE.tsv", "rte", filler="entailment"),
        _tsv("SST-2.tsv", "sst2", filler="1"),
        _tsv("STS-B.tsv", "stsb", answer="score", filler="2.500"),
        _tsv("WNLI.tsv", "wnli", filler="0"),
    ),
)

_AFQMC = AnswerFile("afqmc_predict.json", "afqmc")
_IFLYTEK = AnswerFile("iflytek_predict.json", "iflytek")
_CMNLI = AnswerFile("cmnli_predict.json", "cmnli")
_CSL = AnswerFile("csl_predict.json", "csl")
_CMRC = AnswerFile(
    "cmrc2018_predict.json",
    "cmrc2018",
    form="dict",
    answer="text",
    counted=False,
    id_pattern=r"(TEST|TRIAL)_\d+_QUERY_\d+",
)
_chid = partial(
    AnswerFile, task="chid", form="dict", answer="place", places=10, counted=False, id_pattern=r"#idiom\d+#"
)
_c3 = partial(AnswerFile, task="c3", answer="place", places=4)
_NO_VERSION = "its test set has two versions, and the name must carry the one that was answered, 10 or 11"
_WSC = {
    "wsc_predict.json": "handed in under this name, the task scored 0 (CLUE's thread 97)",
    "cluewsc_predict.json": _NO_VERSION,
    "cluewsc2020_predict.json": _NO_VERSION,
}
_TNEWS = {"tnews_predict.json": _NO_VERSION}
_CHID = {"chid_predict.json": _NO_VERSION}
_C3 = {"c3_predict.json": _NO_VERSION}

CLUE = Board(
    name="clue",
    title="CLUE 1.1",
    whole=False,
    rows_fixed=False,
    source="cluebenchmarks.com; CLUE's note on submission files of 2021-09-04",
    files=(
        _AFQMC,
        AnswerFile("tnews11_predict.json", "tnews", former=_TNEWS),
        _IFLYTEK,
        AnswerFile(
            "ocnli_50k_predict.json",
            "ocnli",
            former={
                "ocnli_predict.json": "handed in under this name, the task scored 0 (CLUE's thread 104)",
                "OCNLI_50k.json": "that is its name on the older board for OCNLI alone",
                "OCNLI_30k.json": "that is a name on the older board for OCNLI alone",
            },
        ),
        _CMNLI,
        AnswerFile("cluewsc11_predict.json", "cluewsc2020", former=_WSC),
        _CSL,
        _CMRC,
        _chid("chid11_predict.json", former=_CHID),
        _c3("c311_predict.json", former=_C3),
        AnswerFile("diagnostics_predict.json", "clue-diagnostics", counted=False, optional=True),
    ),
)

_TEST10 = SUITES["clue10"].test

CLUE10 = Board(
    name="clue10",
    title="CLUE 1.0",
    whole=False,
    rows_fixed=False,
    source=CLUE.source,
    files=(
        _AFQMC,
        AnswerFile("tnews10_predict.json", "tnews", _TEST10, former=_TNEWS),
        _IFLYTEK,
        _CMNLI,
        AnswerFile("cluewsc10_predict.json", "cluewsc2020", _TEST10, former=_WSC),
        _CSL,
        _CMRC,
        _chid("chid10_predict.json", split=_TEST10, former=_CHID),
        _c3("c310_predict.json", split=_TEST10, former=_C3),
    ),
)

_few = partial(AnswerFile, counted=False)


def _without_f(task: str) -> dict[str, str]:
    return {f"{task.removesuffix('f')}_predict.json": "the README drops the f, the example files have it"}


FEWCLUE = Board(
    name="fewclue",
    title="FewCLUE",
    whole=False,
    rows_fixed=False,
    source="FewCLUE's example files",
    files=(
        _few("eprstmt_predict.json", "eprstmt"),
        _few("bustm_predict.json", "bustm"),
        _few("ocnlif_predict.json", "ocnlif", former=_without_f("ocnlif")),
        _few("csldcp_predict.json", "csldcp"),
        _few("tnewsf_predict.json", "tnewsf", text_ids=True, former=_without_f("tnewsf")),
        _few("cluewscf_predict.json", "cluewscf", former=_without_f("cluewscf")),
        _few("iflytekf_predict.json", "iflytekf", former=_without_f("iflytekf")),
        _few("cslf_predict.json", "cslf", former=_without_f("cslf")),
        _few("chidf_predict.json", "chidf", answer="place", key="answer", places=7, former=_without_f("chidf")),
    ),
)

_contest = partial(AnswerFile, counted=False, text_ids=True)


def _contest_files(split: str) -> tuple[AnswerFile, ...]:
    return (
        _contest("ocnli_predict.json", "tianchi-ocnli", split),
        _contest("ocemotion_predict.json", "ocemotion", split),
        _contest("tnews_predict.json", "tianchi-tnews", split),
    )


TIANCHI = Board(
    name="tianchi",
    title="Tianchi 531841/531865, test set B",
    whole=True,
    rows_fixed=False,
    source="the contest's page",
    files=_contest_files("test_b"),
)

TIANCHI_A = replace(
    TIANCHI, name="tianchi-a", title="Tianchi 531841/531865, test set A", files=_contest_files("test_a")
)

CLUENER = Board(
    name="cluener",
    title="CLUENER",
    whole=True,
    rows_fixed=False,
    source="the example in the data set's own zip; its baselines write test_submit.json and ner_predict.json",
    files=(
        AnswerFile(
            "cluener_predict.json",
            "cluener",
            answer="spans",
            also=("test_submit.json", "ner_predict.json"),
        ),
    ),
)

BOARDS: dict[str, Board] = {board.name: board for board in (GLUE, CLUE, CLUE10, FEWCLUE, TIANCHI, TIANCHI_A, CLUENER)}
