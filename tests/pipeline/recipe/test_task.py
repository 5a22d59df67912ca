"""Tasks as a user writes them: a few lines of YAML for each kind, and what is said when they are wrong."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from finetune.reading.read import read_examples
from finetune.tasks.example import Span
from finetune.tasks.own import spec_from_fields
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
from pipeline.recipe.load import dump_resolved, load_recipe
from pipeline.recipe.recipe import Recipe
from tokenization.errors import DataError, RecipeError

RECIPE = """
name: small
tokenizer: {{train: {{corpora: [wiki], size: 512}}}}
corpora:
  wiki: {{files: wiki.txt}}
tasks:
{tasks}
encoder: {{layers: 1, hidden: 16, heads: 2}}
optimizer: {{rate: 5e-4}}
stages:
  - name: multitask
    kind: finetune
    steps: 10
    streams:
      - {{source: {{task: mine}}, amount: {{examples: 16}}}}
"""


def load(folder: Path, tasks: str) -> Recipe:
    path = folder / "small.yaml"
    path.write_text(
        RECIPE.format(tasks="\n".join(f"  {line}" for line in tasks.strip().splitlines())), encoding="utf-8"
    )
    return load_recipe(path, (), {})


def task(folder: Path, tasks: str, name: str = "mine") -> TaskSpec:
    return load(folder, tasks).tasks[name].spec(name)


def put(folder: Path, name: str, *rows: object) -> None:
    (folder / name).write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


OWN = {
    "single classification": (
        "mine: {kind: classification, fields: text, labels: [sad, glad], files: {train: t.jsonl}}",
        {"text": "a", "label": "glad"},
        ("glad", "accuracy"),
    ),
    "pair classification": (
        "mine: {kind: classification, fields: [one, two], label: same, labels: ['no', 'yes'],\n"
        "  label_values: {'false': 'no', 'true': 'yes'}, files: {train: t.jsonl}, metrics: [f1, auc]}",
        {"one": "a", "two": "b", "same": True},
        ("yes", "f1"),
    ),
    "several labels": (
        "mine: {kind: multilabel, fields: text, label: topics, labels: [sea, land, air], files: {train: t.jsonl}}",
        {"text": "a", "topics": ["air", "sea"]},
        (("sea", "air"), "micro_f1"),
    ),
    "regression": (
        "mine: {kind: regression, fields: [one, two], label: score, range: [0, 5], files: {train: t.jsonl}}",
        {"one": "a", "two": "b", "score": 2},
        (2.0, "pearson_spearman"),
    ),
    "ranking": (
        "mine: {kind: ranking, fields: [query, answers], label: best, files: {train: t.jsonl},\n"
        "  metrics: [mrr, accuracy]}",
        {"query": "q", "answers": ["a", "b"], "best": "b"},
        (1, "mrr"),
    ),
    "choice": (
        "mine: {kind: choice, fields: [text, endings], files: {train: t.jsonl}}",
        {"text": "q", "endings": ["a", "b", "c"], "label": 2},
        (2, "accuracy"),
    ),
    "choice of options": (
        "mine: {kind: choice, fields: [text, question, endings], files: {train: t.jsonl}}",
        {"text": "t", "question": "q", "endings": ["a", "b"], "label": "b"},
        (1, "accuracy"),
    ),
    "tagging": (
        "mine: {kind: tagging, fields: words, label: tags, scheme: bioes, labels: [O, B-X, I-X],\n"
        "  files: {train: t.jsonl}}",
        {"words": ["a", "b"], "tags": ["B-X", "E-X"]},
        (("B-X", "I-X"), "entity_f1"),
    ),
    "span": (
        "mine: {kind: span, fields: [question, text], label: answers, unanswerable: true, overlap: 32,\n"
        "  longest_answer: 20, files: {train: t.jsonl}}",
        {"question": "q", "text": "on a ship", "answers": ["a ship"]},
        ((Span("a ship", 3),), "exact_match"),
    ),
    "marked pair": (
        "mine: {kind: classification, layout: marked_pair, fields: text, labels: ['true', 'false'],\n"
        "  files: {train: t.jsonl}}",
        {
            "text": "Bo saw him",
            "target": {"span1_text": "Bo", "span1_index": 0, "span2_text": "him", "span2_index": 7},
            "label": False,
        },
        ("false", "accuracy"),
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_a_few_lines_of_yaml_are_a_task_of_each_kind(name, tmp_path):
    yaml, row, (label, primary) = OWN[name]
    put(tmp_path, "t.jsonl", *[{**row, "number": number} for number in range(40)])
    spec = task(tmp_path, yaml)
    found = read_examples(replace(spec, files={**spec.files, "dev": "x"}), tmp_path, "train")
    assert (found[0].label, spec.primary) == (label, primary)


@pytest.mark.parametrize("name", OWN)
def test_the_resolved_recipe_describes_the_same_tasks(name, tmp_path):
    recipe = load(tmp_path, OWN[name][0])
    (tmp_path / "again.yaml").write_text(dump_resolved(recipe), encoding="utf-8")
    assert load_recipe(tmp_path / "again.yaml", (), {}).tasks["mine"].spec("mine") == recipe.tasks["mine"].spec("mine")


@pytest.mark.parametrize("name", [*TASKS, *OWN])
def test_a_spec_comes_back_from_the_json_that_a_model_keeps(name, tmp_path):
    spec = TASKS[name] if name in TASKS else task(tmp_path, OWN[name][0])
    fields = json.loads(json.dumps(asdict(spec)))
    assert spec_from_fields(fields.pop("name"), **fields) == spec


MINE = "mine: {kind: classification, fields: text, labels: [a, b], files: {train: t.jsonl}}\n"


def test_a_built_in_task_takes_other_files_and_columns_and_keeps_the_rest(tmp_path):
    yaml = MINE + (
        "mnli:\n"
        "  files: {train: glue/MNLI/train_sample.jsonl, dev_matched: glue/MNLI/dev_matched.jsonl}\n"
        "  fields: [premise, hypothesis]\n"
        "  label: label_int\n"
        "  label_values: {0: neutral, 1: contradiction, 2: entailment}\n"
        "  limit: {train: 100}"
    )
    changed, official = task(tmp_path, yaml, "mnli"), TASKS["mnli"]
    assert changed.fields == ("premise", "hypothesis")
    assert changed.hidden == ()
    assert (changed.labels, changed.metrics, changed.rows) == (official.labels, official.metrics, official.rows)


@pytest.mark.data
def test_the_data_folder_s_own_mnli_is_read_by_such_a_change(data_folder, tmp_path):
    yaml = MINE + (
        "mnli: {files: {train: glue/MNLI/train_sample.jsonl, dev_matched: glue/MNLI/dev_matched.jsonl},\n"
        "  fields: [premise, hypothesis], label: label_int,\n"
        "  label_values: {0: neutral, 1: contradiction, 2: entailment}}"
    )
    spec = task(tmp_path, yaml, "mnli")
    assert [len(read_examples(spec, data_folder, split)) for split in spec.files] == [12988, 9815]


def test_a_built_in_task_is_read_from_the_hub_in_one_word(tmp_path):
    spec = task(tmp_path, MINE + "rte: {from: hub}", "rte")
    assert spec.files == {"train": "hub:train", "dev": "hub:validation", "test": "hub:test"}
    assert replace(spec, files=TASKS["rte"].files) == TASKS["rte"]


def test_a_task_of_one_s_own_may_stand_on_the_hub(tmp_path):
    yaml = (
        "mine: {kind: classification, fields: text, labels: [a, b],\n"
        "  hub: {path: me/mine, config: small, splits: {train: train, dev: validation}, columns: {text: body}}}"
    )
    spec = task(tmp_path, yaml)
    assert spec.files == {"train": "hub:train", "dev": "hub:validation"}
    assert spec.hub is not None
    assert (spec.hub.path, spec.hub.config, spec.hub.columns) == ("me/mine", "small", {"text": "body"})


WRONG = [
    (
        "mine: {kind: clasification, fields: text, files: {train: t}}",
        "tasks.mine.kind: given 'clasification'.*Did you mean",
    ),
    (
        "mine: {fields: text, files: {train: t}}",
        "tasks.mine: no built-in task is called 'mine'.*kind, fields, label and",
    ),
    ("mine: {kind: choice, fields: [q, a]}", "tasks.mine: give exactly one of 'files' and 'hub'"),
    (
        "mine: {kind: choice, fields: [q, a], files: {train: t}, hub: {path: x}}",
        "give exactly one of 'files' and 'hub'",
    ),
    ("mine: {kind: choice, fields: [q, a], hub: {path: x}}", "'hub' needs 'splits'"),
    ("mine: {kind: choice, fields: [q, a], files: {train: t}, from: hub}", "'files' is useless with 'from: hub'"),
    ("mine: {kind: choice, fields: [q, a], hub: {pth: x}}", "tasks.mine.hub.pth is not a setting. Did you mean 'path'"),
    ("mine: {kind: choice, fields: [q, a], files: {dev: t}}", "tasks.mine.files: no 'train'"),
    ("mine: {kind: choice, fields: [q, a], labels: [x, y], files: {train: t}}", "labels: useless for choice; only"),
    (
        "mine: {kind: span, fields: [q], files: {train: t}}",
        "fields: 1 given; span reads two, the question's and the text's",
    ),
    (
        "mine: {kind: choice, fields: [q, a], layout: squad, files: {train: t}}",
        "layout: 'squad' is for span, not for choice",
    ),
    (
        "mine: {kind: choice, fields: [q, a], overlap: 3, files: {train: t}}",
        "overlap: useless for choice; only span has it",
    ),
    (
        "mine: {kind: choice, fields: [q, a], carve: 0.2, files: {train: t, dev: d}}",
        "carve: useless where `files` gives",
    ),
    ("mine: {kind: choice, fields: [q, a], carve: 1.5, files: {train: t}}", "carve: given 1.5; must be below 1"),
    (
        "mine: {kind: classification, fields: q, labels: [x, '-'], dropped: ['-'], files: {train: t}}",
        "dropped: '-' is a label",
    ),
    (
        "mine: {kind: choice, fields: [q, a], metrics: [f1], files: {train: t}}",
        "metrics: 'f1' is not a metric of choice",
    ),
    (MINE + MINE, "the key 'mine' stands here a second time"),
    ("mine: {kind: choice, fields: [q, a], files: {}}", r"tasks\.mine\.files: none given; .*{train: train\.tsv, dev:"),
    (MINE + "rte: {files: {}}", r"tasks\.rte\.files: none given; .*{train: train\.tsv, dev: dev\.tsv}"),
    ("mine: {kind: regression, fields: q, range: [5], files: {train: t}}", r"range: given \[5\]; it must have 2"),
    (MINE + "rte: {layuot: rows}", "tasks.rte.layuot is not a setting. Did you mean 'layout'"),
    (MINE + "wnli: {labels: [x, y]}", "tasks.wnli.label_values.0: 'not_entailment' is no label; labels: x, y"),
    (MINE + "rte: {from: hub, files: {train: t}}", "tasks.rte: 'files' is useless with 'from: hub'"),
    (MINE + "rte: {metrics: [bleu]}", "tasks.rte.metrics: 'bleu' is not a metric of classification"),
    (MINE + "rte: {kind: classification}", r"rte\.fields is missing.*`kind` makes a task of your own, .*leave it out"),
    (MINE + "rte: {kind: ranking, fields: q}", r"'files' and 'hub'.*`kind` makes a task of your own"),
    (MINE + "cluener: {from: hub}", "tasks.cluener.from: this task is not known to stand on the hub"),
]


@pytest.mark.parametrize(("yaml", "message"), WRONG)
def test_a_wrong_task_is_refused_with_the_place_and_a_way_out(yaml, message, tmp_path):
    with pytest.raises(RecipeError, match=message):
        load(tmp_path, yaml)


def test_the_carved_dev_set_may_be_limited_and_scored(tmp_path):
    assert task(tmp_path, MINE.replace("files:", "limit: {dev: 5}, files:")).limit == {"dev": 5}


BAD_FILES = {
    "text\tlabel\na\tx\n": r"t\.tsv, line 2: label 'x' is not one of task 'mine'; allowed: a, b",
    'text\tlabel\n"a\tb\n"c\ta\tb\n': r"t\.tsv, line 3: 3 columns, but 2 are expected \(text, label\)",
    "text\tlabel\na\ta\nb\n": r"t\.tsv, line 3: 1 columns, but 2 are expected",
    "txt\tlabel\na\ta\n": r"t\.tsv, line 1: there is no column 'text'; columns here: 'txt', 'label'\. Did you",
    "text\tlabel\n": r"t\.tsv: no rows; task 'mine' needs at least one in split 'train'",
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.items())
def test_a_bad_file_of_an_own_task_is_told_by_file_and_line(content, message, tmp_path):
    (tmp_path / "t.tsv").write_text(content, encoding="utf-8")
    spec = task(tmp_path, MINE.replace("t.jsonl", "t.tsv, dev: t.tsv"))
    with pytest.raises(DataError, match=message):
        read_examples(spec, tmp_path, "train")
