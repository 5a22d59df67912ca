"""The contract that every task of the table keeps: on small files in the official layout, and on the real ones.

A new literal is picked up by itself; it needs an entry in tests/finetune/tasks/tables.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from seqeval.metrics.sequence_labeling import get_entities

from finetune.metrics import majority, score
from finetune.reading.leaks import leaked_rows
from finetune.reading.read import read_examples, read_split
from finetune.tasks.example import Example
from finetune.tasks.own import changed_spec, spec_from_fields
from finetune.tasks.sound import problems
from finetune.tasks.spec import GROUPED, TaskSpec
from finetune.tasks.table import TASKS, find_task
from tokenization.errors import DataError, RecipeError

TABLES = Path(__file__).parent / "tables"
WRITTEN = {
    name: entry for path in TABLES.glob("*.yaml") for name, entry in yaml.safe_load(path.read_text("utf-8")).items()
}

SAMPLE_OF_MNLI = changed_spec(
    TASKS["mnli"],
    files={"train": "glue/MNLI/train_sample.jsonl", "dev_matched": "glue/MNLI/dev_matched.jsonl"},
    fields=["premise", "hypothesis"],
    label="label_int",
    label_values={"0": "neutral", "1": "contradiction", "2": "entailment"},
)
SAMPLE_OF_OCEMOTION = changed_spec(TASKS["ocemotion"], files={"train": "tianchi/OCEMOTION_sample.txt"})

ROWS = {
    "cola": {"train": 8551, "dev": 1043, "test": 1063},
    "sst2": {"train": 67349, "dev": 872, "test": 1821},
    "mrpc": {"train": 3668, "dev": 408, "test": 1725},
    "stsb": {"train": 5749, "dev": 1500, "test": 1379},
    "mnli": {"train": 12988, "dev_matched": 9815},
    "rte": {"train": 2490, "dev": 277, "test": 3000},
    "wnli": {"train": 635, "dev": 71, "test": 146},
    "ax": {"test": 1104},
    "afqmc": {"train": 34334, "dev": 4316, "test": 3861},
    "tnews": {"train": 53360, "dev": 10000, "test": 10000, "test10": 10000},
    "ocnli": {"train": 50486, "dev": 3000, "test": 3000},
    "cmrc2018": {"train": 10142, "dev": 3219, "test": 2000},
    "cmrc2018-sentences": {"train": 10142, "dev": 3219},
    "c3": {"train": 11869, "dev": 3816, "test_labelled": 3892},
    "iflytekf": {"train": 3024, "dev": 1373, "test_public": 1749},
    "chidf": {"train": 202, "dev": 202, "test_public": 2002, "test": 2000},
    "cslf": {"train": 160, "dev": 160, "test_public": 2838},
    "cluewscf": {"train": 160, "dev": 159, "test_public": 976, "test": 290},
    "tianchi-ocnli": {"train": 50486, "dev": 3000, "test_a": 1500, "test_b": 1500},
    "ocemotion": {"train": 3966},
    "tianchi-tnews": {"train": 53360, "test_a": 1500, "test_b": 1500},
    "conll2003": {"train": 14041, "dev": 3250, "test": 3453},
}
"""Rows of the data folder's files, by its README; FewCLUE's, of which it gives no numbers, by counting lines."""


LABELLED = [name for name in ROWS if "train" in ROWS[name] and TASKS[name].kind not in (*GROUPED, "span")]


def on_disk(name: str) -> TaskSpec:
    """The task as the data folder has it."""
    return {"mnli": SAMPLE_OF_MNLI, "ocemotion": SAMPLE_OF_OCEMOTION}.get(name, TASKS[name])


def uncarved(spec: TaskSpec) -> TaskSpec:
    """The task with all rows of its train file, where a dev set would be carved from it."""
    return spec if set(spec.splits) == set(spec.files) else replace(spec, files={**spec.files, "dev": "-"})


def plain(example: Example) -> dict[str, object]:
    """As YAML would have it."""
    return json.loads(json.dumps(asdict(example)))


def gold(spec, examples):
    if spec.kind == "regression":
        return [example.label for example in examples]
    return [spec.labels.index(example.label) for example in examples]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_of_the_table_is_sound(name: str) -> None:
    spec = TASKS[name]
    assert problems(spec) == []
    assert spec.name == name
    assert spec.citation
    assert set(spec.rows) <= set(spec.files)
    assert set(spec.label_values.values()) <= set(spec.labels)
    assert spec.answered_by in TASKS
    assert spec.labels == TASKS[spec.answered_by].labels


@pytest.mark.parametrize("name", TASKS)
def test_a_task_s_description_comes_back_from_its_json(name: str) -> None:
    kept = json.loads(json.dumps(asdict(TASKS[name])))
    assert spec_from_fields(**kept) == TASKS[name]


@pytest.mark.parametrize("name", TASKS)
def test_published_numbers_are_of_splits_and_metrics_that_the_task_has(name: str) -> None:
    for published in TASKS[name].published:
        assert published.split in TASKS[name].splits
        assert published.metric in TASKS[name].metrics
        assert 0 < published.value < 1
        assert published.source


@pytest.mark.parametrize("name", [name for name, spec in TASKS.items() if spec.hub])
def test_the_hub_s_names_stand_for_splits_and_columns_that_the_task_reads(name: str) -> None:
    spec = TASKS[name]
    assert set(spec.hub.splits) <= set(spec.files)
    assert set(spec.hub.columns) <= {*spec.fields, spec.label, spec.id}


@pytest.mark.parametrize("name", TASKS)
def test_small_files_in_the_official_layout_read_back(name: str, tmp_path: Path) -> None:
    entry, spec = WRITTEN[name], uncarved(TASKS[name])
    for path, text in entry["files"].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8", newline="")
    nothing = plain(Example("", (), (), None))
    for split, told in entry["reads"].items():
        assert plain(read_examples(spec, tmp_path, split)[0]) == nothing | told
        assert ("label" in told) == (split not in spec.hidden)


@pytest.mark.parametrize("name", TASKS)
def test_the_small_files_are_the_task_s_and_show_a_labelled_split_if_it_has_one(name: str) -> None:
    entry, spec = WRITTEN[name], TASKS[name]
    assert set(entry["files"]) == {path for split in entry["reads"] for path in spec.paths(split)}
    labelled = set(spec.files) - set(spec.hidden)
    assert bool(labelled & set(entry["reads"])) == bool(labelled)


def test_every_small_file_is_of_a_task_of_the_table() -> None:
    assert set(WRITTEN) == set(TASKS)


def test_an_unknown_task_is_told_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match=r"'sts-b'.*cola.*Did you mean 'stsb'\?"):
        find_task("sts-b")


def test_tnews_has_fifteen_classes_without_105_and_111() -> None:
    numbers = [str(number) for number in range(100, 117) if number not in (105, 111)]
    assert list(TASKS["tnews"].labels) == numbers
    assert TASKS["tnewsf"].labels == TASKS["tianchi-tnews"].labels == TASKS["tnews"].labels


def test_a_question_of_qqp_that_a_line_feed_breaks_is_one_row(tmp_path: Path) -> None:
    """As lines 97,930 and 97,931 of GLUE's train.tsv are (nyu-mll/GLUE-baselines, thread 5)."""
    (tmp_path / "glue" / "QQP").mkdir(parents=True)
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    rows = '1\t3\t4\t"Who was he?\n"\tWas he real?\t0\n2\t5\t6\tWho?\tWhat?\t1\n'
    (tmp_path / "glue/QQP/train.tsv").write_text(header + rows, encoding="utf-8")
    examples = read_examples(TASKS["qqp"], tmp_path, "train")
    assert [example.texts for example in examples] == [('"Who was he?\n"', "Was he real?"), ("Who?", "What?")]
    assert [example.label for example in examples] == ["not_duplicate", "duplicate"]


@pytest.mark.parametrize(
    "broken", ['1\t3\t4\t"Who?\n2\t5\t6\tWho?\tWhat?\t1\n', '1\t3\t4\t"Who?\nWhat?\t0\n', '1\t"Who?\n']
)
def test_a_row_with_too_few_columns_is_refused_at_its_line_where_it_is_no_broken_one(
    broken: str, tmp_path: Path
) -> None:
    (tmp_path / "glue" / "QQP").mkdir(parents=True)
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    (tmp_path / "glue/QQP/train.tsv").write_text(header + broken, encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: [24] columns, but 6 are expected"):
        read_examples(TASKS["qqp"], tmp_path, "train")


@pytest.mark.data
@pytest.mark.parametrize("name", ROWS)
def test_every_split_has_the_rows_of_the_suite_and_every_label_parses(name: str, data: Path) -> None:
    spec = uncarved(on_disk(name))
    splits = {split: read_split(spec, data, split) for split in ROWS[name]}
    assert {split: len(read.examples) + read.dropped for split, read in splits.items()} == ROWS[name]
    for split, read in splits.items():
        hidden = [example.label is None for example in read.examples]
        assert all(hidden) if split in spec.hidden else not any(hidden)
        assert all(text.strip() for example in read.examples for text in example.texts)
    if not spec.id:
        ids = [[example.id for example in read.examples] for read in splits.values()]
        assert ids == [[str(number) for number in range(len(of_split))] for of_split in ids]


@pytest.mark.data
@pytest.mark.parametrize("name", LABELLED)
def test_the_labels_of_train_are_those_of_the_literal(name: str, data: Path) -> None:
    spec = uncarved(on_disk(name))
    labels = [example.label for example in read_examples(spec, data, "train")]
    if spec.kind == "regression":
        assert (min(labels), max(labels)) == spec.range
    elif spec.kind == "tagging":
        assert {tag for tags in labels for tag in tags} == set(spec.labels)
    else:
        assert set(labels) == set(spec.labels)


@pytest.mark.data
@pytest.mark.parametrize("name", ROWS)
def test_a_file_with_fewer_rows_than_the_official_ones_is_a_part_of_its_task(name: str, data: Path) -> None:
    official = TASKS[name].rows
    fewer = {split for split, rows in ROWS[name].items() if rows < official.get(split, 0)}
    assert fewer == ({"train"} if name in ("mnli", "ocemotion", "tianchi-tnews") else set())


@pytest.mark.data
def test_ocnli_s_rows_without_a_label_are_left_out_and_the_rest_are_the_contest_s_53387(data: Path) -> None:
    train, dev = (read_split(TASKS["ocnli"], data, split) for split in ("train", "dev"))
    assert (train.dropped, dev.dropped) == (49, 50)
    assert len(train.examples) + len(dev.examples) == 53387


@pytest.mark.data
def test_the_contest_s_test_set_b_of_ocnli_goes_on_counting(data: Path) -> None:
    ids = [example.id for example in read_examples(TASKS["tianchi-ocnli"], data, "test_b")]
    assert (ids[0], ids[-1]) == ("1500", "2999")


@pytest.mark.data
def test_a_quotation_mark_of_mrpc_is_text(data: Path) -> None:
    assert read_examples(TASKS["mrpc"], data, "dev")[0].texts == (
        "He said the foodservice pie business doesn 't fit the company 's long-term growth strategy .",
        '" The foodservice pie business does not fit our long-term growth strategy .',
    )


@pytest.mark.data
def test_sixteen_dev_sentences_of_cola_are_also_in_train(data: Path) -> None:
    train, dev = (read_examples(TASKS["cola"], data, split) for split in ("train", "dev"))
    assert leaked_rows(train, dev).sum() == 16


@pytest.mark.data
def test_conll_has_the_entities_that_the_shared_task_counts(data: Path) -> None:
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
def test_mnli_s_numbers_stand_for_the_labels_that_its_paper_counts_in_the_matched_development_set(data: Path) -> None:
    """As in the release's own files: 3,479 entailment, 3,213 contradiction, 3,123 neutral."""
    labels = [example.label for example in read_examples(SAMPLE_OF_MNLI, data, "dev_matched")]
    assert [labels.count(name) for name in ("entailment", "contradiction", "neutral")] == [3479, 3213, 3123]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "known"), [("wnli", 40 / 71), ("rte", 146 / 277), ("cola", 0.0), ("stsb", 0.0), ("afqmc", 0.69)]
)
def test_the_majority_baseline_is_the_published_one(name: str, known: float, data: Path) -> None:
    spec = TASKS[name]
    train, dev = (gold(spec, read_examples(spec, data, split)) for split in ("train", "dev"))
    assert majority(spec, train, dev) == pytest.approx(known, abs=5e-4)


@pytest.mark.data
def test_mrpc_by_majority_has_the_published_accuracy_and_f1(data: Path) -> None:
    spec = TASKS["mrpc"]
    dev = gold(spec, read_examples(spec, data, "dev"))
    scores = score(spec, dev, np.ones(len(dev), dtype=np.int64))
    assert (round(scores["accuracy"], 3), round(scores["f1"], 3)) == (0.684, 0.812)
