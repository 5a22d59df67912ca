"""CLUE (Xu et al. 2020, arXiv:2004.05986) as distributed: JSON lines. Its reading tasks stand in `clue_reading`.

Labels are the boards' own strings, in the order of CLUE's code; "-" marks the rows of OCNLI and CMNLI without a
majority of annotators. `test` is the test set of the 1.1 board, `test10` that of the 1.0 board where it is another.
CMNLI's development and test sets are translations of XNLI's and MNLI's: neither of those may be trained on beside it.
"""

from finetune.tasks.clue_reading import CLUE_READING
from finetune.tasks.spec import Hub, Published, TaskSpec

_HUB = "clue/clue"
_DEV = {"dev": "validation"}
_README = "CLUE's README, results per task"
_BOARD = "CLUE 1.1 board, row HUMAN"
_TERNARY = ("contradiction", "entailment", "neutral")

AFQMC = TaskSpec(
    name="afqmc",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "clue/afqmc/train.json", "dev": "clue/afqmc/dev.json", "test": "clue/afqmc/test.json"},
    hidden=("test",),
    rows={"train": 34334, "dev": 4316, "test": 3861},
    id="id",
    labels=("0", "1"),
    metrics=("accuracy", "f1"),
    primary="accuracy",
    hub=Hub(_HUB, "afqmc", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.7416, _README),
        Published("BERT-base", "test", "accuracy", 0.7370, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.7492, _README),
        Published("RoBERTa-wwm-large-ext", "test", "accuracy", 0.7655, _README),
        Published("people", "test", "accuracy", 0.810, _BOARD),
    ),
    citation="Xu et al. 2020, CLUE: Ant Financial Question Matching Corpus",
)

TNEWS = TaskSpec(
    name="tnews",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={
        "train": "clue/tnews/train.json",
        "dev": "clue/tnews/dev.json",
        "test": "clue/tnews/test.json",
        "test10": "clue/tnews/test1.0.json",
    },
    hidden=("test", "test10"),
    rows={"train": 53360, "dev": 10000, "test": 10000, "test10": 10000},
    id="id",
    labels=(
        *("100", "101", "102", "103", "104", "106", "107", "108"),
        *("109", "110", "112", "113", "114", "115", "116"),
    ),
    metrics=("accuracy", "macro_f1"),
    primary="accuracy",
    hub=Hub(_HUB, "tnews", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.5609, _README),
        Published("BERT-base", "test10", "accuracy", 0.5658, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.5832, _README),
        Published("RoBERTa-wwm-large-ext", "test10", "accuracy", 0.5861, _README),
        Published("people", "test", "accuracy", 0.710, _BOARD),
    ),
    citation="Xu et al. 2020, CLUE: titles of Toutiao",
)

IFLYTEK = TaskSpec(
    name="iflytek",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={"train": "clue/iflytek/train.json", "dev": "clue/iflytek/dev.json", "test": "clue/iflytek/test.json"},
    hidden=("test",),
    rows={"train": 12133, "dev": 2599, "test": 2600},
    id="id",
    labels=tuple(map(str, range(119))),
    metrics=("accuracy", "macro_f1"),
    primary="accuracy",
    hub=Hub(_HUB, "iflytek", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.6037, _README),
        Published("BERT-base", "test", "accuracy", 0.6029, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.6275, _README),
        Published("RoBERTa-wwm-large-ext", "test", "accuracy", 0.6298, _README),
        Published("people", "test", "accuracy", 0.803, _BOARD),
    ),
    citation="Xu et al. 2020, CLUE: descriptions of applications",
)

OCNLI = TaskSpec(
    name="ocnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "clue/ocnli/train.50k.json", "dev": "clue/ocnli/dev.json", "test": "clue/ocnli/test.json"},
    hidden=("test",),
    rows={"train": 50486, "dev": 3000, "test": 3000},
    dropped=("-",),
    id="id",
    labels=_TERNARY,
    metrics=("accuracy", "macro_f1"),
    primary="accuracy",
    hub=Hub(_HUB, "ocnli", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.745, "Hu et al. 2020, OCNLI"),
        Published("BERT-base", "test", "accuracy", 0.722, "Hu et al. 2020, OCNLI"),
        Published("people", "test", "accuracy", 0.903, _BOARD),
    ),
    citation="Hu et al. 2020, OCNLI: Original Chinese Natural Language Inference",
)

CMNLI = TaskSpec(
    name="cmnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "clue/cmnli/train.json", "dev": "clue/cmnli/dev.json", "test": "clue/cmnli/test.json"},
    hidden=("test",),
    rows={"train": 391782, "dev": 12426, "test": 13880},
    dropped=("-",),
    id="id",
    labels=_TERNARY,
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "cmnli", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.7947, _README),
        Published("BERT-base", "test", "accuracy", 0.7969, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.8320, _README),
        Published("RoBERTa-wwm-large-ext", "test", "accuracy", 0.8212, _README),
    ),
    citation="Xu et al. 2020, CLUE, from Conneau et al. 2018, XNLI",
)

CLUEWSC2020 = TaskSpec(
    name="cluewsc2020",
    kind="classification",
    fields=("text",),
    label="label",
    files={
        "train": "clue/cluewsc2020/train.json",
        "dev": "clue/cluewsc2020/dev.json",
        "test": "clue/cluewsc2020/test.json",
        "test10": "clue/cluewsc2020/test1.0.json",
    },
    hidden=("test", "test10"),
    rows={"train": 1244, "dev": 304, "test": 2574, "test10": 290},
    id="id",
    layout="marked_pair",
    labels=("false", "true"),
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "cluewsc2020", splits=_DEV),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.596, _README),
        Published("BERT-base", "test10", "accuracy", 0.620, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.697, _README),
        Published("RoBERTa-wwm-large-ext", "test10", "accuracy", 0.746, _README),
        Published("people", "test", "accuracy", 0.980, _BOARD),
    ),
    citation="Xu et al. 2020, CLUE: the Chinese Winograd Schema Challenge",
)

CSL = TaskSpec(
    name="csl",
    kind="classification",
    fields=("abst", "keyword"),
    label="label",
    files={"train": "clue/csl/train.json", "dev": "clue/csl/dev.json", "test": "clue/csl/test.json"},
    hidden=("test",),
    rows={"train": 20000, "dev": 3000, "test": 3000},
    id="id",
    labels=("0", "1"),
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "csl", splits=_DEV, columns={"id": "corpus_id"}),
    published=(
        Published("BERT-base", "dev", "accuracy", 0.7963, _README),
        Published("BERT-base", "test", "accuracy", 0.8023, _README),
        Published("RoBERTa-wwm-large-ext", "dev", "accuracy", 0.8217, _README),
        Published("RoBERTa-wwm-large-ext", "test", "accuracy", 0.8213, _README),
        Published("people", "test", "accuracy", 0.840, _BOARD),
    ),
    citation="Xu et al. 2020, CLUE: Chinese Scientific Literature",
)

CLUE_DIAGNOSTICS = TaskSpec(
    name="clue-diagnostics",
    kind="classification",
    fields=("premise", "hypothesis"),
    label="label",
    files={"test": "clue/clue_diagnostics/diagnostics_test.json"},
    hidden=("test",),
    rows={"test": 514},
    id="index",
    labels=OCNLI.labels,
    metrics=("accuracy",),
    primary="accuracy",
    head="ocnli",
    hub=Hub(
        _HUB,
        "diagnostics",
        columns={"premise": "sentence1", "hypothesis": "sentence2", "index": "idx"},
    ),
    citation="Xu et al. 2020, CLUE, section 3.5: the diagnostic set",
)

CLUE = (AFQMC, TNEWS, IFLYTEK, OCNLI, CMNLI, CLUEWSC2020, CSL, *CLUE_READING, CLUE_DIAGNOSTICS)
