"""GLUE (Wang et al. 2018, arXiv:1804.07461) as distributed: TSV files in which quotes are text.

Labels are matched by name and stand in the order of their ids. Where the benchmark averages two metrics, that mean
is the primary one. MNLI has two development and two test sets, which are told apart everywhere. The development rows
of WNLI contradict its training rows by design: it is here to be reported, and best left out of a multi-task mix.
AX is read by MNLI's head. QNLI is its second version; the first one's test set is another.
"""

from finetune.tasks.spec import Hub, Published, TaskSpec

_TABLE_1 = "Devlin et al. 2019, table 1"
_PEOPLE = "Nangia, Bowman 2019, Human vs. Muppet, table 1"
_HUB = "nyu-mll/glue"
_DEV = {"dev": "validation"}
_PAIR = {"sentence1": "premise", "sentence2": "hypothesis"}

COLA = TaskSpec(
    name="cola",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={"train": "glue/CoLA/train.tsv", "dev": "glue/CoLA/dev.tsv", "test": "glue/CoLA/test.tsv"},
    hidden=("test",),
    rows={"train": 8551, "dev": 1043, "test": 1063},
    columns=("source", "label", "star", "sentence"),
    labels=("unacceptable", "acceptable"),
    label_values={"0": "unacceptable", "1": "acceptable"},
    metrics=("matthews", "accuracy"),
    primary="matthews",
    hub=Hub(_HUB, "cola", splits=_DEV),
    published=(
        Published("BERT-base", "test", "matthews", 0.521, _TABLE_1),
        Published("BERT-large", "test", "matthews", 0.605, _TABLE_1),
        Published("people", "test", "matthews", 0.664, _PEOPLE),
    ),
    citation="Warstadt, Singh, Bowman 2019, Neural Network Acceptability Judgments",
)

SST2 = TaskSpec(
    name="sst2",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={"train": "glue/SST-2/train.tsv", "dev": "glue/SST-2/dev.tsv", "test": "glue/SST-2/test.tsv"},
    hidden=("test",),
    rows={"train": 67349, "dev": 872, "test": 1821},
    labels=("negative", "positive"),
    label_values={"0": "negative", "1": "positive"},
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "sst2", splits=_DEV),
    published=(
        Published("BERT-base", "test", "accuracy", 0.935, _TABLE_1),
        Published("BERT-large", "test", "accuracy", 0.949, _TABLE_1),
        Published("people", "test", "accuracy", 0.978, _PEOPLE),
    ),
    citation="Socher et al. 2013, Recursive Deep Models for Semantic Compositionality",
)

MRPC = TaskSpec(
    name="mrpc",
    kind="classification",
    fields=("#1 String", "#2 String"),
    label="Quality",
    files={"train": "glue/MRPC/train.tsv", "dev": "glue/MRPC/dev.tsv", "test": "glue/MRPC/test.tsv"},
    hidden=("test",),
    rows={"train": 3668, "dev": 408, "test": 1725},
    labels=("not_equivalent", "equivalent"),
    label_values={"0": "not_equivalent", "1": "equivalent"},
    metrics=("accuracy", "f1", "accuracy_f1"),
    primary="accuracy_f1",
    hub=Hub(
        _HUB,
        "mrpc",
        splits=_DEV,
        columns={"#1 String": "sentence1", "#2 String": "sentence2", "Quality": "label"},
    ),
    published=(
        Published("BERT-base", "test", "f1", 0.889, _TABLE_1),
        Published("BERT-large", "test", "f1", 0.893, _TABLE_1),
        Published("people", "test", "f1", 0.863, _PEOPLE),
    ),
    citation="Dolan, Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases",
)

STSB = TaskSpec(
    name="stsb",
    kind="regression",
    fields=("sentence1", "sentence2"),
    label="score",
    files={"train": "glue/STS-B/train.tsv", "dev": "glue/STS-B/dev.tsv", "test": "glue/STS-B/test.tsv"},
    hidden=("test",),
    rows={"train": 5749, "dev": 1500, "test": 1379},
    range=(0.0, 5.0),
    metrics=("pearson", "spearman", "pearson_spearman"),
    primary="pearson_spearman",
    hub=Hub(_HUB, "stsb", splits=_DEV, columns={"score": "label"}),
    published=(
        Published("BERT-base", "test", "spearman", 0.858, _TABLE_1),
        Published("BERT-large", "test", "spearman", 0.865, _TABLE_1),
        Published("people", "test", "pearson", 0.927, _PEOPLE),
    ),
    citation="Cer et al. 2017, SemEval-2017 Task 1",
)

QQP = TaskSpec(
    name="qqp",
    kind="classification",
    fields=("question1", "question2"),
    label="is_duplicate",
    files={"train": "glue/QQP/train.tsv", "dev": "glue/QQP/dev.tsv", "test": "glue/QQP/test.tsv"},
    hidden=("test",),
    rows={"train": 363846, "dev": 40430, "test": 390965},
    labels=("not_duplicate", "duplicate"),
    label_values={"0": "not_duplicate", "1": "duplicate"},
    metrics=("accuracy", "f1", "accuracy_f1"),
    primary="accuracy_f1",
    hub=Hub(_HUB, "qqp", splits=_DEV, columns={"is_duplicate": "label"}),
    published=(
        Published("BERT-base", "test", "f1", 0.712, _TABLE_1),
        Published("BERT-large", "test", "f1", 0.721, _TABLE_1),
        Published("people", "test", "f1", 0.595, _PEOPLE),
    ),
    citation="Iyer, Dandekar, Csernai 2017, First Quora Dataset Release: Question Pairs",
)

MNLI = TaskSpec(
    name="mnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="gold_label",
    files={
        "train": "glue/MNLI/train.tsv",
        "dev_matched": "glue/MNLI/dev_matched.tsv",
        "dev_mismatched": "glue/MNLI/dev_mismatched.tsv",
        "test_matched": "glue/MNLI/test_matched.tsv",
        "test_mismatched": "glue/MNLI/test_mismatched.tsv",
    },
    hidden=("test_matched", "test_mismatched"),
    rows={
        "train": 392702,
        "dev_matched": 9815,
        "dev_mismatched": 9832,
        "test_matched": 9796,
        "test_mismatched": 9847,
    },
    labels=("contradiction", "entailment", "neutral"),
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(
        _HUB,
        "mnli",
        splits={"dev_matched": "validation_matched", "dev_mismatched": "validation_mismatched"},
        columns={**_PAIR, "gold_label": "label"},
    ),
    published=(
        Published("BERT-base", "test_matched", "accuracy", 0.846, _TABLE_1),
        Published("BERT-base", "test_mismatched", "accuracy", 0.834, _TABLE_1),
        Published("BERT-large", "test_matched", "accuracy", 0.867, _TABLE_1),
        Published("BERT-large", "test_mismatched", "accuracy", 0.859, _TABLE_1),
        Published("people", "test_matched", "accuracy", 0.920, _PEOPLE),
        Published("people", "test_mismatched", "accuracy", 0.928, _PEOPLE),
    ),
    citation="Williams, Nangia, Bowman 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding",
    version=2,
)

QNLI = TaskSpec(
    name="qnli",
    kind="classification",
    fields=("question", "sentence"),
    label="label",
    files={"train": "glue/QNLI/train.tsv", "dev": "glue/QNLI/dev.tsv", "test": "glue/QNLI/test.tsv"},
    hidden=("test",),
    rows={"train": 104743, "dev": 5463, "test": 5463},
    labels=("not_entailment", "entailment"),
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "qnli", splits=_DEV),
    published=(
        Published("BERT-base", "test", "accuracy", 0.905, _TABLE_1),
        Published("BERT-large", "test", "accuracy", 0.927, _TABLE_1),
        Published("people", "test", "accuracy", 0.912, _PEOPLE),
    ),
    citation="Wang et al. 2018, GLUE, from Rajpurkar et al. 2016, SQuAD",
)

RTE = TaskSpec(
    name="rte",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "glue/RTE/train.tsv", "dev": "glue/RTE/dev.tsv", "test": "glue/RTE/test.tsv"},
    hidden=("test",),
    rows={"train": 2490, "dev": 277, "test": 3000},
    labels=("not_entailment", "entailment"),
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "rte", splits=_DEV),
    published=(
        Published("BERT-base", "test", "accuracy", 0.664, _TABLE_1),
        Published("BERT-large", "test", "accuracy", 0.701, _TABLE_1),
        Published("people", "test", "accuracy", 0.936, _PEOPLE),
    ),
    citation="Dagan, Glickman, Magnini 2006, and its three successors",
)

WNLI = TaskSpec(
    name="wnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "glue/WNLI/train.tsv", "dev": "glue/WNLI/dev.tsv", "test": "glue/WNLI/test.tsv"},
    hidden=("test",),
    rows={"train": 635, "dev": 71, "test": 146},
    labels=("not_entailment", "entailment"),
    label_values={"0": "not_entailment", "1": "entailment"},
    metrics=("accuracy",),
    primary="accuracy",
    hub=Hub(_HUB, "wnli", splits=_DEV),
    published=(Published("people", "test", "accuracy", 0.959, _PEOPLE),),
    citation="Levesque, Davis, Morgenstern 2012, The Winograd Schema Challenge",
)

AX = TaskSpec(
    name="ax",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"test": "glue/AX/diagnostic.tsv"},
    hidden=("test",),
    rows={"test": 1104},
    labels=MNLI.labels,
    metrics=("matthews",),
    primary="matthews",
    head="mnli",
    hub=Hub(_HUB, "ax", columns=_PAIR),
    citation="Wang et al. 2018, GLUE, section 3.4: the diagnostic set",
)

GLUE = (COLA, SST2, MRPC, STSB, QQP, MNLI, QNLI, RTE, WNLI, AX)
