"""`--set PATH=VALUE`: the same door as the file, from the command line."""

from pathlib import Path

import pytest

from pipeline.recipe.load import load_recipe
from pipeline.recipe.recipe import Recipe
from tokenization.errors import RecipeError

BASE = """
name: small
tokenizer: {train: {corpora: [wiki]}}
corpora: {wiki: {files: wiki.txt}}
tasks: {rte: {}}
stages:
  - name: general
    kind: pretrain
    steps: 5
    streams:
      - {source: {pairs_of: wiki}, objectives: [mlm, nsp], amount: {tokens: 1024}}
  - name: multitask
    kind: finetune
    steps: 10
    streams:
      - {source: {task: rte}, amount: {examples: 16}}
      - {name: aux, source: {text_of: rte}, objectives: [mlm], amount: {examples: 8}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(BASE.replace("text_of: rte", "text_of: [rte]"), encoding="utf-8")
    return file


def load(path: Path, *sets: str) -> Recipe:
    return load_recipe(path, sets, {})


def refusal(path: Path, *sets: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(path, *sets)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("general.steps=7", ("stages", 0, "steps"), 7),
        ("stages.general.steps=7", ("stages", 0, "steps"), 7),
        ("multitask.aux.weight=0.1", ("stages", 1, "streams", 1, "weight"), 0.1),
        ("multitask.rte.amount.examples=4", ("stages", 1, "streams", 0, "amount", "examples"), 4),
        (
            "general.wiki-pairs.objectives.mlm.rate=0.4",
            ("stages", 0, "streams", 0, "objectives", 0, "mlm", "rate"),
            0.4,
        ),
        ("multitask.evaluate.every=3", ("stages", 1, "evaluate", "every"), 3),
        ("optimizer.rate=1e-4", ("optimizer", "rate"), 1e-4),
        ("optimizer.rate=1e-4", ("stages", 1, "optimizer", "rate"), 1e-4),
        ("encoder.layers=2", ("encoder", "layers"), 2),
        ("corpora.wiki.documents=9", ("corpora", "wiki", "documents"), 9),
        ("tasks.rte.limit={train: 5}", ("tasks", "rte", "limit"), {"train": 5}),
        ("optimizer.clip=", ("optimizer", "clip"), None),
        ("name = other", ("name",), "other"),
    ],
)
def test_a_setting_lands_where_its_path_says_and_nowhere_else(path, text, place, value):
    before, after = load(path).resolved(), load(path, text).resolved()
    inner, outer = after, before
    for key in place[:-1]:
        inner, outer = inner[key], (outer or {})[key]
    assert inner[place[-1]] == value
    if place[0] == "stages" and "optimizer" not in place and "evaluate" not in place:
        inner[place[-1]] = outer[place[-1]]
        assert after["stages"] == before["stages"]


def test_later_settings_win_over_earlier_ones(path):
    assert load(path, "general.steps=7", "general.steps=8").stages[0].steps == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("general.steps", "--set general.steps: must have the form PATH=VALUE"),
        ("general..steps=1", "must have the form PATH=VALUE"),
        (
            "genral.steps=1",
            "'genral' leads nowhere. Did you mean 'general'? Stages: general, multitask; settings: name",
        ),
        (
            "multitask.auxi.weight=1",
            "'auxi' leads nowhere. Did you mean 'aux'? Streams of multitask: rte, aux; settings",
        ),
        ("general.stesp=1", "'stesp' leads nowhere. Did you mean 'steps'?"),
        ("general.wiki-pairs.objectives.mln.rate=1", "no element 'mln'. Did you mean 'mlm'? Elements here: mlm, nsp"),
        ("general.steps.x=1", "'x' cannot be set on 5, which is no mapping"),
        ("general.steps.x.y=1", "nothing can be set under 'x' of 5, which is no mapping"),
        ("general.steps=[1", "--set general.steps: line 1"),
        ("optimizer.rat=1", "--set optimizer.rat=1: optimizer.rat is not a setting. Did you mean 'rate'?"),
        ("general.steps=ten", "--set general.steps=ten: stages[general].steps: given 'ten'; must be a whole number"),
        ("multitask.aux.weight.knd=linear", "streams[aux].weight.knd is not a setting. Did you mean 'kind'?"),
    ],
)
def test_a_wrong_setting_is_refused_naming_the_command_line(path, text, words):
    assert words in refusal(path, text)


def test_wrong_paths_are_told_all_at_once(path):
    assert len(refusal(path, "genral.steps=1", "nowhere=2").splitlines()) == 2


def test_a_problem_of_the_file_beside_one_of_the_command_line_names_the_file(path):
    path.write_text(BASE.replace("text_of: rte", "text_of: [rte]").replace("steps: 10", "steps: 0"), encoding="utf-8")
    lines = refusal(path, "general.steps=-1").splitlines()
    assert lines[1].startswith("  --set general.steps=-1: ")
    assert lines[2].startswith(f"  {path}: stages[multitask].steps: given 0")
