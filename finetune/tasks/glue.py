"""GLUE (Wang et al. 2018, arXiv:1804.07461) as distributed: TSV files in which quotes are text.

Labels are matched by name and stand in the order of their ids. Where the benchmark averages two metrics, that mean
is the primary one. The development rows of WNLI contradict its training rows by design: it is here to be reported,
and best left out of a multi-task mix. MNLI is read from JSON lines, a sample of its training rows and
the matched development set alone: less than GLUE's MNLI, and marked as reduced.
"""

from finetune.tasks.spec import TaskSpec

COLA = TaskSpec(
    name="cola",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={"train": "glue/CoLA/train.tsv", "dev": "glue/CoLA/dev.tsv", "test": "glue/CoLA/test.tsv"},
    hidden=("test",),
    columns=("source", "label", "star", "sentence"),
    labels=("unacceptable", "acceptable"),
    label_values={"0": "unacceptable", "1": "acceptable"},
    metrics=("matthews", "accuracy"),
    primary="matthews",
    citation="Warstadt, Singh, Bowman 2019, Neural Network Acceptability Judgments",
)

SST2 = TaskSpec(
    name="sst2",
    kind="classification",
    fields=("sentence",),
    label="label",
    files={"train": "glue/SST-2/train.tsv", "dev": "glue/SST-2/dev.tsv", "test": "glue/SST-2/test.tsv"},
    hidden=("test",),
    labels=("negative", "positive"),
    label_values={"0": "negative", "1": "positive"},
    metrics=("accuracy",),
    primary="accuracy",
    citation="Socher et al. 2013, Recursive Deep Models for Semantic Compositionality",
)

MRPC = TaskSpec(
    name="mrpc",
    kind="classification",
    fields=("#1 String", "#2 String"),
    label="Quality",
    files={"train": "glue/MRPC/train.tsv", "dev": "glue/MRPC/dev.tsv", "test": "glue/MRPC/test.tsv"},
    hidden=("test",),
    labels=("not_equivalent", "equivalent"),
    label_values={"0": "not_equivalent", "1": "equivalent"},
    metrics=("accuracy", "f1", "accuracy_f1"),
    primary="accuracy_f1",
    citation="Dolan, Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases",
)

STSB = TaskSpec(
    name="stsb",
    kind="regression",
    fields=("sentence1", "sentence2"),
    label="score",
    files={"train": "glue/STS-B/train.tsv", "dev": "glue/STS-B/dev.tsv", "test": "glue/STS-B/test.tsv"},
    hidden=("test",),
    range=(0.0, 5.0),
    metrics=("pearson", "spearman", "pearson_spearman"),
    primary="pearson_spearman",
    citation="Cer et al. 2017, SemEval-2017 Task 1",
)

MNLI = TaskSpec(
    name="mnli",
    kind="classification",
    fields=("premise", "hypothesis"),
    label="label_int",
    files={"train": "glue/MNLI/train_sample.jsonl", "dev": "glue/MNLI/dev_matched.jsonl"},
    reduced=True,
    labels=("neutral", "contradiction", "entailment"),
    label_values={"0": "neutral", "1": "contradiction", "2": "entailment"},
    metrics=("accuracy",),
    primary="accuracy",
    citation="Williams, Nangia, Bowman 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding",
)

RTE = TaskSpec(
    name="rte",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "glue/RTE/train.tsv", "dev": "glue/RTE/dev.tsv", "test": "glue/RTE/test.tsv"},
    hidden=("test",),
    labels=("not_entailment", "entailment"),
    metrics=("accuracy",),
    primary="accuracy",
    citation="Dagan, Glickman, Magnini 2006, and its three successors",
)

WNLI = TaskSpec(
    name="wnli",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files={"train": "glue/WNLI/train.tsv", "dev": "glue/WNLI/dev.tsv", "test": "glue/WNLI/test.tsv"},
    hidden=("test",),
    labels=("not_entailment", "entailment"),
    label_values={"0": "not_entailment", "1": "entailment"},
    metrics=("accuracy",),
    primary="accuracy",
    citation="Levesque, Davis, Morgenstern 2012, The Winograd Schema Challenge",
)

GLUE = (COLA, SST2, MRPC, STSB, MNLI, RTE, WNLI)
