"""The Tianchi contest 531841 of three tasks for one encoder: its files are tab-separated without quoting or header.

OCNLI's rows are CLUE's, whose train and dev sets together are the contest's 53,387 labelled rows; `label_values` gives
the contest's numbers of its labels. No dev set is given for the other two: one is carved from train. TNEWS' 63,360
rows are CLUE's train and dev sets, so that CLUE's file of 53,360 under this name is a reduced one. Scores are macro-F1
over all of a task's classes.
"""

from finetune.tasks.clue import OCNLI, TNEWS
from finetune.tasks.spec import TaskSpec

_CITATION = "Tianchi 2020, contest 531841: generalisation of Chinese pre-trained models"

TIANCHI_OCNLI = TaskSpec(
    name="tianchi-ocnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={
        "train": OCNLI.files["train"],
        "dev": OCNLI.files["dev"],
        "test_a": "tianchi/OCNLI_a.csv",
        "test_b": "tianchi/ocnli_test_B.csv",
    },
    hidden=("test_a", "test_b"),
    rows={"train": OCNLI.rows["train"], "dev": OCNLI.rows["dev"], "test_a": 1500, "test_b": 1500},
    dropped=OCNLI.dropped,
    id="id",
    columns=("id", "sentence1", "sentence2", "label"),
    labels=("entailment", "neutral", "contradiction"),
    label_values={"0": "entailment", "1": "neutral", "2": "contradiction"},
    metrics=("macro_f1", "accuracy"),
    primary="macro_f1",
    citation=_CITATION,
)

OCEMOTION = TaskSpec(
    name="ocemotion",
    kind="classification",
    fields=("content",),
    label="label",
    files={
        "train": "tianchi/OCEMOTION_train1128.csv",
        "test_a": "tianchi/OCEMOTION_a.csv",
        "test_b": "tianchi/ocemotion_test_B.csv",
    },
    hidden=("test_a", "test_b"),
    rows={"train": 35694, "test_a": 1500, "test_b": 1500},
    id="id",
    columns=("id", "content", "label"),
    labels=("like", "happiness", "sadness", "fear", "anger", "disgust", "surprise"),
    metrics=("macro_f1", "accuracy"),
    primary="macro_f1",
    citation=_CITATION,
)

TIANCHI_TNEWS = TaskSpec(
    name="tianchi-tnews",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={
        "train": "tianchi/TNEWS_train.csv",
        "test_a": "tianchi/TNEWS_a.csv",
        "test_b": "tianchi/tnews_test_B.csv",
    },
    hidden=("test_a", "test_b"),
    rows={"train": 63360, "test_a": 1500, "test_b": 1500},
    id="id",
    columns=("id", "sentence", "label"),
    labels=TNEWS.labels,
    metrics=("macro_f1", "accuracy"),
    primary="macro_f1",
    citation=_CITATION,
)

TIANCHI = (TIANCHI_OCNLI, OCEMOTION, TIANCHI_TNEWS)
