"""The contract that every task of the table keeps, on the real files; counts from the data folder's own README."""

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from finetune.metrics import majority, score
from finetune.tasks.leaks import leaked_rows
from finetune.tasks.own import problems
from finetune.tasks.read import read_examples
from finetune.tasks.table import TASKS, find_task
from tokenization.errors import RecipeError

ROWS = {
    "cola": (8551, 1043, 1063),
    "sst2": (67349, 872, 1821),
    "mrpc": (3668, 408, 1725),
    "stsb": (5749, 1500, 1379),
    "mnli": (12988, 9815),
    "rte": (2490, 277, 3000),
    "wnli": (635, 71, 146),
    "conll2003": (14041, 3250, 3453),
}


def gold(spec, examples):
    if spec.kind == "regression":
        return [example.label for example in examples]
    return [spec.labels.index(example.label) for example in examples]


def test_no_task_contradicts_itself():
    assert {name: problems(spec) for name, spec in TASKS.items()} == {name: [] for name in ROWS}


def test_only_the_sample_of_mnli_is_marked_as_a_part_of_its_task():
    assert [name for name, spec in TASKS.items() if spec.reduced] == ["mnli"]


def test_an_unknown_task_is_told_the_nearest_name():
    with pytest.raises(RecipeError, match=r"'sts-b'.*cola.*Did you mean 'stsb'\?"):
        find_task("sts-b")


@pytest.mark.data
@pytest.mark.parametrize("name", ROWS)
def test_every_split_has_the_rows_of_the_suite_and_every_label_parses(name, data):
    spec = TASKS[name]
    splits = {split: read_examples(spec, data, split) for split in spec.files}
    assert tuple(map(len, splits.values())) == ROWS[name]
    for split, examples in splits.items():
        assert [example.id for example in examples] == [str(number) for number in range(len(examples))]
        hidden = [example.label is None for example in examples]
        assert all(hidden) if split in spec.hidden else not any(hidden)
        assert all(text.strip() for example in examples for text in example.texts)
    labels = [example.label for example in splits["train"]]
    if spec.kind == "classification":
        assert set(labels) == set(spec.labels)
    if spec.kind == "regression":
        assert (min(labels), max(labels)) == spec.range
    if spec.kind == "tagging":
        assert {tag for tags in labels for tag in tags} == set(spec.labels)


@pytest.mark.data
def test_a_quotation_mark_of_mrpc_is_text(data):
    assert read_examples(TASKS["mrpc"], data, "dev")[0].texts == (
        "He said the foodservice pie business doesn 't fit the company 's long-term growth strategy .",
        '" The foodservice pie business does not fit our long-term growth strategy .',
    )


@pytest.mark.data
def test_sixteen_dev_sentences_of_cola_are_also_in_train(data):
    cola = TASKS["cola"]
    assert leaked_rows(*(read_examples(cola, data, split) for split in ("train", "dev"))).sum() == 16


@pytest.mark.data
def test_conll_has_the_entities_that_the_shared_task_counts(data):
    """Table 2 of Tjong Kim Sang, De Meulder 2003: only a right reading of IOB1 gives these."""
    counted = {}
    for split in ("train", "dev", "test"):
        rows = read_examples(TASKS["conll2003"], data, split)
        kinds = [kind for row in rows for kind, _, _ in get_entities(list(row.label))]
        counted[split] = tuple(kinds.count(kind) for kind in ("LOC", "MISC", "ORG", "PER"))
    assert counted == {
        "train": (7140, 3438, 6321, 6600),
        "dev": (1837, 922, 1341, 1842),
        "test": (1668, 702, 1661, 1617),
    }


@pytest.mark.data
def test_mnli_s_numbers_stand_for_the_labels_that_its_paper_counts_in_the_matched_development_set(data):
    """As in the release's own files: 3,479 entailment, 3,213 contradiction, 3,123 neutral."""
    labels = [example.label for example in read_examples(TASKS["mnli"], data, "dev")]
    assert [labels.count(name) for name in ("entailment", "contradiction", "neutral")] == [3479, 3213, 3123]


@pytest.mark.data
@pytest.mark.parametrize(("name", "known"), [("wnli", 40 / 71), ("rte", 146 / 277), ("cola", 0.0), ("stsb", 0.0)])
def test_the_majority_baseline_is_the_published_one(name, known, data):
    spec = TASKS[name]
    train, dev = (gold(spec, read_examples(spec, data, split)) for split in ("train", "dev"))
    assert majority(spec, train, dev) == pytest.approx(known)


@pytest.mark.data
def test_mrpc_by_majority_has_the_published_accuracy_and_f1(data):
    spec = TASKS["mrpc"]
    dev = gold(spec, read_examples(spec, data, "dev"))
    scores = score(spec, dev, np.ones(len(dev), dtype=np.int64))
    assert (round(scores["accuracy"], 3), round(scores["f1"], 3)) == (0.684, 0.812)
