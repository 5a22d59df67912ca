"""The boards, each as one literal. Row counts are the official ones; where sources differ, the count is left open."""

from dataclasses import replace
from functools import partial

from finetune.submissions.board import AnswerFile, Board

_tsv = partial(AnswerFile, form="tsv")
_kept = partial(AnswerFile, counted=False)
_contest = partial(AnswerFile, counted=False, text_ids=True, rows=1500)

GLUE = Board(
    name="glue",
    title="GLUE",
    whole=True,
    rows_fixed=True,
    source="gluebenchmark.com; file names and label strings as jiant's benchmarks.py writes them",
    files=(
        _tsv("AX.tsv", "ax", rows=1104, filler="entailment"),
        _tsv("CoLA.tsv", "cola", rows=1063, filler="1"),
        _tsv("MNLI-m.tsv", "mnli", "test_matched", rows=9796, filler="entailment"),
        _tsv("MNLI-mm.tsv", "mnli", "test_mismatched", rows=9847, filler="entailment"),
        _tsv("MRPC.tsv", "mrpc", rows=1725, filler="1"),
        _tsv("QNLI.tsv", "qnli", rows=5463, filler="entailment"),
        _tsv("QQP.tsv", "qqp", rows=390965, filler="0"),
        _tsv("RTE.tsv", "rte", rows=3000, filler="entailment"),
        _tsv("SST-2.tsv", "sst2", rows=1821, filler="1"),
        _tsv("STS-B.tsv", "stsb", rows=1379, answer="score", filler="2.500"),
        _tsv("WNLI.tsv", "wnli", rows=146, filler="0"),
    ),
)

_AFQMC = AnswerFile("afqmc_predict.json", "afqmc", rows=3861)
_IFLYTEK = AnswerFile("iflytek_predict.json", "iflytek", rows=2600)
_CMNLI = AnswerFile("cmnli_predict.json", "cmnli", rows=13880)
_CSL = AnswerFile("csl_predict.json", "csl", rows=3000)
_CMRC = AnswerFile(
    "cmrc2018_predict.json",
    "cmrc2018",
    rows=2000,
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
        AnswerFile("tnews11_predict.json", "tnews", rows=10000, former=_TNEWS),
        _IFLYTEK,
        AnswerFile(
            "ocnli_50k_predict.json",
            "ocnli",
            rows=3000,
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
        AnswerFile("diagnostics_predict.json", "clue-diagnostics", optional=True),
    ),
)

CLUE10 = Board(
    name="clue10",
    title="CLUE 1.0",
    whole=False,
    rows_fixed=False,
    source=CLUE.source,
    files=(
        _AFQMC,
        AnswerFile("tnews10_predict.json", "tnews", "test10", rows=10000, former=_TNEWS),
        _IFLYTEK,
        _CMNLI,
        AnswerFile("cluewsc10_predict.json", "cluewsc2020", "test10", former=_WSC),
        _CSL,
        _CMRC,
        _chid("chid10_predict.json", split="test10", former=_CHID),
        _c3("c310_predict.json", split="test10", rows=3892, former=_C3),
    ),
)

FEWCLUE = Board(
    name="fewclue",
    title="FewCLUE",
    whole=False,
    rows_fixed=False,
    source="FewCLUE's example files (its README's names of the second stage drop the f)",
    files=(
        _kept("eprstmt_predict.json", "eprstmt", rows=753),
        _kept("bustm_predict.json", "bustm", rows=2000),
        _kept("ocnlif_predict.json", "ocnlif", rows=3000),
        _kept("csldcp_predict.json", "csldcp", rows=2999),
        _kept("tnewsf_predict.json", "tnewsf", rows=1500, text_ids=True),
        _kept("cluewscf_predict.json", "cluewscf", rows=290),
        _kept("iflytekf_predict.json", "iflytekf", rows=2279),
        _kept("cslf_predict.json", "cslf", rows=3000),
        _kept("chidf_predict.json", "chidf", rows=2000, answer="place", key="answer", places=7),
    ),
)



def _contest_files(split: str) -> tuple[AnswerFile, ...]:
    classes = {"entailment": "0", "neutral": "1", "contradiction": "2"}
    return (
        _contest("ocnli_predict.json", "tianchi-ocnli", split, labels=classes),
        _contest("ocemotion_predict.json", "ocemotion", split),
        _contest("tnews_predict.json", "tianchi-tnews", split),
    )


TIANCHI = Board(
    name="tianchi",
    title="Tianchi 531841/531865, test set B",
    whole=True,
    rows_fixed=False,
    source="the contest's page; its classes of OCNLI stand for entailment, neutral, contradiction",
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
            rows=1345,
            answer="spans",
            also=("test_submit.json", "ner_predict.json"),
        ),
    ),
)

BOARDS: dict[str, Board] = {board.name: board for board in (GLUE, CLUE, CLUE10, FEWCLUE, TIANCHI, TIANCHI_A, CLUENER)}
