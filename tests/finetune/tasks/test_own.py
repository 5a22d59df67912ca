import pytest

from finetune.tasks.own import changed_spec, spec_from_fields
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import find_task
from tokenization.errors import RecipeError

GOOD = {
    "kind": "classification",
    "fields": ["a", "b"],
    "label": "label",
    "labels": ["no", "yes"],
    "files": {"train": "train.jsonl", "dev": "dev.jsonl"},
}
TAGS = {**GOOD, "kind": "tagging", "fields": "words", "labels": ["O", "B-X", "I-X"]}
SCORES = {**GOOD, "kind": "regression", "labels": None, "range": [0, 5]}
RANKING = {**GOOD, "kind": "ranking", "labels": None}


def test_a_recipe_s_fields_make_the_same_spec_as_a_literal():
    assert spec_from_fields("own", **GOOD, metrics=None) == TaskSpec(
        name="own",
        kind="classification",
        fields=("a", "b"),
        label="label",
        files={"train": "train.jsonl", "dev": "dev.jsonl"},
        labels=("no", "yes"),
        metrics=("accuracy",),
        primary="accuracy",
    )


def test_yaml_s_numbers_and_truth_values_become_label_text():
    spec = spec_from_fields("own", **{**GOOD, "labels": [0, True], "label_values": {1: 0, False: True}})
    assert (spec.labels, spec.label_values) == (("0", "true"), {"1": "0", "false": "true"})


def test_a_column_may_be_called_by_a_number():
    assert spec_from_fields("own", **{**GOOD, "fields": [1], "label": 2}).label == "2"


def test_metrics_default_to_those_of_the_kind():
    assert spec_from_fields("own", **SCORES).primary == "pearson_spearman"
    assert spec_from_fields("own", **SCORES, metrics=["pearson", "spearman"]).primary == "pearson"
    assert (
        spec_from_fields("own", **SCORES, metrics=["pearson", "spearman", "pearson_spearman"]).primary
        == "pearson_spearman"
    )
    assert spec_from_fields("own", **TAGS).metrics == ("entity_f1", "accuracy")


WRONG = [
    (GOOD, {"kind": "clasification"}, "kind: 'clasification' given.*Did you mean 'classification'"),
    (GOOD, {"label": None}, "label: missing"),
    (GOOD, {"lable": "x"}, "lable: not a setting.*Did you mean 'label'"),
    (GOOD, {"reduced": True}, "reduced: not a setting"),
    (GOOD, {"labels": ["no"]}, "labels: 1 given"),
    (GOOD, {"labels": None}, "labels: 0 given"),
    (GOOD, {"labels": ["no", "no"]}, "labels: some occur twice"),
    (GOOD, {"labels": 3}, "labels: 3 given; a list is needed"),
    (GOOD, {"files": "train.tsv"}, "files: 'train.tsv' given; a mapping is needed"),
    (GOOD, {"files": {"dev": "x"}}, "files: no 'train'"),
    (GOOD, {"files": {"train": "x", "dev": 3}}, r"files\.dev: 3 given"),
    (GOOD, {"label_values": {"1": "yess"}}, r"label_values\.1: 'yess' is no label.*Did you mean 'yes'"),
    (GOOD, {"metrics": ["acuracy"]}, "metrics: 'acuracy' is not a metric of classification.*Did you mean 'accuracy'"),
    (GOOD, {"metrics": ["pearson"]}, "metrics: 'pearson' is not a metric of classification"),
    (GOOD, {"metrics": []}, "metrics: none given"),
    (GOOD, {"metrics": ["f1"], "labels": ["x", "y", "z"]}, "metrics: 'f1' needs exactly two labels"),
    (GOOD, {"primary": "f1"}, "primary: 'f1' is not among the task's metrics: accuracy"),
    (GOOD, {"range": [0, 1]}, "range: useless for classification"),
    (GOOD, {"scheme": "iob1"}, "scheme: useless"),
    (GOOD, {"format": "conll"}, "format: 'conll' is for tagging"),
    (GOOD, {"columns": ["a", "label"]}, "columns: 'b', which is read"),
    (GOOD, {"fields": ["a", "b", "c"]}, "fields: 3 given"),
    (RANKING, {"fields": ["a", "b", "c"]}, "fields: 3 given; ranking reads one or two"),
    (RANKING, {"kind": "choice", "fields": [*"abcd"]}, "fields: 4 given; choice reads one to three: a context, "),
    (GOOD, {"fields": []}, "fields: 0 given"),
    (GOOD, {"hidden": ["dev"]}, "hidden: 'dev'"),
    (GOOD, {"limit": {"train": 0}}, r"limit\.train: 0 given"),
    (SCORES, {"range": None}, "range: None given"),
    (SCORES, {"range": [5, 0]}, r"range: \(5, 0\) given"),
    (SCORES, {"range": [0, "5"]}, r"range: \(0, '5'\) given"),
    (SCORES, {"labels": ["a", "b"]}, "labels: useless for regression"),
    (SCORES, {"metrics": ["rmse"]}, "primary: 'rmse' falls"),
    (TAGS, {"labels": ["B-X", "I-X"]}, "labels: 'O'"),
    (TAGS, {"labels": ["O", "X"]}, "labels: not BIO tags: X"),
    (TAGS, {"labels": ["O", "I-X"]}, "labels: 'I-X' has no 'B-X'"),
    (TAGS, {"fields": ["a", "b"]}, "fields: 2 given; tagging reads one"),
    (TAGS, {"format": "conll"}, r"columns: missing; .* no header.*\[words, label\]"),
    (TAGS, {"files": {"train": ["a.jsonl", "b.conll"]}}, "columns: missing; "),
]


@pytest.mark.parametrize(("good", "change", "message"), WRONG)
def test_a_wrong_setting_is_refused_with_its_path(good, change, message):
    with pytest.raises(RecipeError, match=rf"^tasks\.own\.{message}"):
        spec_from_fields("own", **{**good, **change})


def test_all_problems_are_told_at_once():
    with pytest.raises(RecipeError) as caught:
        spec_from_fields("own", **{**GOOD, "labels": ["no"], "metrics": ["bleu"], "limit": {"tain": 5}})
    paths = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert paths == ["tasks.own.labels", "tasks.own.metrics", "tasks.own.limit.tain"]


def test_a_built_in_task_takes_a_limit_of_its_own_splits():
    assert changed_spec(find_task("rte"), limit={"train": 5}).limit == {"train": 5}
    with pytest.raises(RecipeError, match=r"tasks\.rte\.limit\.valid: no such split; splits here: train, dev, test"):
        changed_spec(find_task("rte"), limit={"valid": 5})
    with pytest.raises(RecipeError, match=r"tasks\.rte\.limit\.dev: True given"):
        changed_spec(find_task("rte"), limit={"dev": True})
