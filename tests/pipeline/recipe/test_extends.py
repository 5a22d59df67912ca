"""A recipe that extends another one: what is joined, what is replaced, and whose fault a problem is."""

from pathlib import Path

import pytest

from pipeline.recipe.load import dump_resolved, load_recipe
from tokenization.errors import RecipeError

BASE = """
name: base
tokenizer: {train: {corpora: [wiki], size: 400}}
corpora:
  wiki: {files: wiki.jsonl}
encoder: {layers: 2, hidden: 32, heads: 2, feed_forward: 64, positions: 64}
optimizer: {rate: 1.0e-3, clip: 0.5}
stages:
  - name: general
    kind: pretrain
    steps: 10
    streams: [{source: {blocks_of: wiki, length: 64}, objectives: [mlm], amount: {tokens: 64}}]
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return written(tmp_path, "base", BASE)


def test_it_equals_the_recipe_that_says_everything_itself(base: Path, tmp_path: Path) -> None:
    short = written(tmp_path, "short", "extends: base.yaml\nencoder: {layers: 3}\n")
    whole = written(tmp_path, "whole", BASE.replace("name: base", "name: short").replace("layers: 2", "layers: 3"))
    assert dump_resolved(load_recipe(short, (), {})) == dump_resolved(load_recipe(whole, (), {}))


def test_lists_are_replaced_and_mappings_joined_over_two_bases(base: Path, tmp_path: Path) -> None:
    written(tmp_path, "middle", "extends: base.yaml\noptimizer: {rate: 2.0e-3}\n")
    stages = (
        "stages: [{name: only, kind: adapt, steps: 5, "
        "streams: [{source: {blocks_of: wiki, length: 64}, objectives: [mlm], amount: {tokens: 32}}]}]"
    )
    recipe = load_recipe(written(tmp_path, "last", f"extends: middle.yaml\nname: last\n{stages}\n"), (), {})
    assert [stage.name for stage in recipe.stages] == ["only"]
    assert (recipe.optimizer.rate, recipe.optimizer.clip) == (2e-3, 0.5)


def test_null_takes_an_inherited_setting_back_to_its_default(base: Path, tmp_path: Path) -> None:
    own = written(tmp_path, "own", "extends: base.yaml\noptimizer: null\n")
    assert load_recipe(own, (), {}).optimizer.rate == 5e-4


def test_a_base_is_found_beside_the_recipe_whatever_the_working_directory(
    base: Path, tmp_path: Path, monkeypatch
) -> None:
    own = written(tmp_path / "deep", "own", "extends: ../base.yaml\nname: own\n")
    written(
        tmp_path / "elsewhere", "base", BASE.replace("name: base", "name: another").replace("layers: 2", "layers: 9")
    )
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_recipe(own, (), {}).encoder.layers == 2


def test_a_problem_is_told_of_the_file_that_says_it(base: Path, tmp_path: Path) -> None:
    wrong = written(tmp_path, "wrong", BASE.replace("layers: 2", "layers: two"))
    own = written(tmp_path, "own", "extends: wrong.yaml\nname: own\noptimizer: {rate: fast}\n")
    with pytest.raises(RecipeError) as told:
        load_recipe(own, (), {})
    assert f"{wrong}: encoder.layers" in str(told.value)
    assert f"{own}: optimizer.rate" in str(told.value)


def test_what_is_wrong_below_a_list_is_told_of_the_file_that_gives_the_list(base: Path, tmp_path: Path) -> None:
    own = written(tmp_path, "own", "extends: base.yaml\nstages: [{name: general, steps: 3}]\n")
    with pytest.raises(RecipeError) as told:
        load_recipe(own, (), {})
    assert f"{own}: stages[general].kind is missing" in str(told.value).replace("  ", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("extends: none.yaml", "extends: none.yaml: no such recipe file"),
        ("extends: [base.yaml]", "must be the file of another recipe"),
        ("extends: own.yaml", "a recipe cannot extend itself"),
    ],
)
def test_a_base_that_is_none_is_refused(base: Path, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told.replace("[", r"\[")):
        load_recipe(written(tmp_path, "own", f"{text}\nname: own\n"), (), {})


@pytest.mark.parametrize(
    ("said", "hint", "mended"),
    [
        (
            "tokenizer: {from: model}\nencoder: {from: model}",
            "tokenizer: {train: null}; "
            "encoder: {layers: null, hidden: null, heads: null, feed_forward: null, positions: null}",
            "tokenizer: {train: null, from: model}\nencoder: "
            "{layers: null, hidden: null, heads: null, feed_forward: null, positions: null, from: model}",
        ),
        ("schedule: {kind: slanted}", "schedule: {floor: null}", "schedule: {floor: null, kind: slanted}"),
        (
            "tasks: {own: {prompt: {text: '{text} so', answers: {a: x, b: y}}}}",
            "tasks: {own: {cloze: null}}",
            "tasks: {own: {cloze: null, prompt: {text: '{text} so', answers: {a: x, b: y}}}}",
        ),
    ],
)
def test_inherited_settings_that_do_not_go_with_own_ones_are_named_with_what_takes_them_back(
    tmp_path: Path, said: str, hint: str, mended: str
) -> None:
    cloze = "cloze: {pattern: '{text} {mask}', words: {a: x, b: y}}"
    task = f"{{kind: classification, fields: text, labels: [a, b], files: {{train: t.tsv}}, length: 32, {cloze}}}"
    base = BASE.replace("positions: 64", "positions: 64, dropout: 0.0")
    written(tmp_path, "base", f"{base}schedule: {{floor: 0.1}}\ntasks: {{own: {task}}}\n")
    (tmp_path / "model").mkdir()
    with pytest.raises(RecipeError) as told:
        load_recipe(written(tmp_path, "own", f"extends: base.yaml\n{said}\n"), (), {})
    assert str(told.value).endswith(f"null takes a setting back: {hint}")
    assert load_recipe(written(tmp_path, "own", f"extends: base.yaml\n{mended}\n"), (), {}).name == "own"


def test_nothing_is_said_of_taking_back_what_a_problem_names_only_on_its_way(tmp_path: Path) -> None:
    task = "{kind: tagging, fields: w, labels: [O, B-X], files: {train: t.conll}, columns: [w, label], length: 32}"
    written(tmp_path, "base", f"{BASE}tasks: {{own: {task}}}\n")
    own = written(
        tmp_path, "own", "extends: base.yaml\ntasks: {own: {prompt: {text: '{w} so', answers: {O: x, B-X: y}}}}"
    )
    with pytest.raises(RecipeError, match="make it a task of kind classification") as told:
        load_recipe(own, (), {})
    assert "null takes" not in str(told.value)


def test_nothing_is_said_of_taking_back_where_a_file_stands_alone_or_errs_by_itself(base: Path, tmp_path: Path) -> None:
    alone = written(tmp_path, "alone", BASE.replace("layers: 2", "from: ., layers: 2"))
    own = written(tmp_path, "own", "extends: base.yaml\nencoder: {dropuot: 0.1}\n")
    for path in (alone, own):
        with pytest.raises(RecipeError) as told:
            load_recipe(path, (), {})
        assert "null takes" not in str(told.value)
