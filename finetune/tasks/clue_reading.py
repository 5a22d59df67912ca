"""CLUE's reading: SQuAD's JSON, two files for one set of ChID, and dialogues (d-) beside other texts (m-) of C3.

`test` is the test set of the 1.1 board, `test10` that of the 1.0 board; the one that C3 itself distributes has labels:
`test_labelled`. ChID's blanks are counted nowhere, so none are told.
"""

from finetune.tasks.spec import Hub, Published, TaskSpec

_HUB = "clue/clue"
_DEV = {"dev": "validation"}
_README = "CLUE's README, results per task"
_BOARD = "CLUE 1.1 board, row HUMAN"

CMRC2018 = TaskSpec(
    name="cmrc2018",
    kind="span",
    fields=("question", "context"),
    label="answers",
    files={"train": "clue/cmrc2018/train.json", "dev": "clue/cmrc2018/dev.json", "test": "clue/cmrc2018/test.json"},
    hidden=("test",),
    rows={"train": 10142, "dev": 3219, "test": 2000},
    id="id",
    format="json",
    layout="squad",
    # Answers run to 85 tokens in dev and 118 in train; one as long as the overlap stands whole in some window.
    overlap=128,
    longest_answer=128,
    metrics=("exact_match_zh", "span_f1_zh"),
    primary="exact_match_zh",
    hub=Hub(_HUB, "cmrc2018", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "exact_match_zh", 0.6477, _README),
        Published("BERT-base", "dev", "span_f1_zh", 0.8548, _README),
        Published("BERT-base", "test", "exact_match_zh", 0.7160, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "exact_match_zh", 0.7059, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "span_f1_zh", 0.8942, _README),
        Published("RoBERTa-wwm-large-ext", "test", "exact_match_zh", 0.7795, _README),
        Published("people", "test", "exact_match_zh", 0.924, _BOARD),
    ),
    citation="Cui et al. 2019, A Span-Extraction Dataset for Chinese Machine Reading Comprehension",
)

DRCD = TaskSpec(
    name="drcd",
    kind="span",
    fields=("question", "context"),
    label="answers",
    files={"train": "clue/drcd/train.json", "dev": "clue/drcd/dev.json", "test": "clue/drcd/test.json"},
    rows={"train": 26936, "dev": 3524, "test": 3493},
    id="id",
    format="json",
    layout="squad",
    metrics=("exact_match_zh", "span_f1_zh"),
    primary="exact_match_zh",
    hub=Hub(_HUB, "drcd", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "exact_match_zh", 0.8660, _README),
        Published("BERT-base", "dev", "span_f1_zh", 0.9230, _README),
        Published("BERT-base", "test", "exact_match_zh", 0.8549, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "exact_match_zh", 0.9054, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "span_f1_zh", 0.9532, _README),
        Published("RoBERTa-wwm-large-ext", "test", "exact_match_zh", 0.9070, _README),
    ),
    citation="Shao et al. 2018, DRCD: a Chinese Machine Reading Comprehension Dataset",
)

CHID = TaskSpec(
    name="chid",
    kind="choice",
    fields=("content", "candidates"),
    label="answer",
    files={
        "train": ("clue/chid/train.json", "clue/chid/train_answer.json"),
        "dev": ("clue/chid/dev.json", "clue/chid/dev_answer.json"),
        "test": "clue/chid/test1.1.json",
        "test10": "clue/chid/test1.0.json",
    },
    hidden=("test", "test10"),
    layout="chid",
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "chid", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.8220, _README),
        Published("BERT-base", "test10", "accuracy", 0.8204, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.8581, _README),
        Published("RoBERTa-wwm-large-ext", "test10", "accuracy", 0.8537, _README),
        Published("people", "test", "accuracy", 0.871, _BOARD),
    ),
    citation="Zheng, Huang, Sun 2019, ChID: A Large-scale Chinese IDiom Dataset for Cloze Test",
)

C3 = TaskSpec(
    name="c3",
    kind="choice",
    fields=("context", "choice"),
    label="answer",
    files={
        "train": ("clue/c3/d-train.json", "clue/c3/m-train.json"),
        "dev": ("clue/c3/d-dev.json", "clue/c3/m-dev.json"),
        "test": "clue/c3/test1.1.json",
        "test10": "clue/c3/test1.0.json",
        "test_labelled": ("clue/c3/d-test.json", "clue/c3/m-test.json"),
    },
    hidden=("test", "test10"),
    rows={"train": 11869, "dev": 3816, "test": 1625, "test10": 3892, "test_labelled": 3892},
    id="id",
    format="json",
    layout="c3",
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "c3", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.6570, _README),
        Published("BERT-base", "test10", "accuracy", 0.6450, _README),
        Published("RoBERTa-wwm-large-ext", "test10", "accuracy", 0.7382, _README),
        Published("people", "test", "accuracy", 0.960, _BOARD),
    ),
    citation="Sun et al. 2020, Investigating Prior Knowledge for Challenging Chinese Machine Reading Comprehension",
)

CLUE_READING = (CMRC2018, DRCD, CHID, C3)
