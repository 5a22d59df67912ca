"""Where the paths of a recipe lead."""

from pathlib import Path

import pytest

from pipeline.recipe.load import load_recipe
from pipeline.recipe.paths import INSTALLED, find_recipe, resolve_path
from tokenization.errors import RecipeError


def test_the_working_directory_comes_before_the_other_folders(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "both.txt").touch()
    (there / "one.txt").touch()
    monkeypatch.chdir(here)
    assert resolve_path("both.txt", [there]) == here / "both.txt"
    assert resolve_path("one.txt", [there]) == there / "one.txt"
    assert resolve_path("none.txt", [there]) is None
    assert resolve_path(str(there / "one.txt"), []) == there / "one.txt"


def test_a_folder_of_an_installed_package_is_found_without_importing_it():
    assert resolve_path("package:json/decoder.py", []) == Path(__import__("json").__file__).parent / "decoder.py"
    assert resolve_path("package:json/none.py", []) is None
    assert resolve_path("package:no_such_package_here/x", []) is None
    assert resolve_path("package:../x", []) is None


@pytest.mark.parametrize("name", ["ds_configs/zero1.json", "zero1.json"])
def test_a_ds_config_that_comes_with_the_project_is_found_from_anywhere(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(
        "name: r\ntokenizer: {from: v.txt, lowercase: true}\ncorpora: {w: {files: w.txt}}\n"
        "stages: [{name: g, kind: pretrain, steps: 1, streams: "
        "[{source: {blocks_of: w}, objectives: [mlm], amount: {examples: 1}}]}]\n"
        f"engine: {{name: zero, ds_config: {name}}}\n"
    )
    (tmp_path / "v.txt").touch()
    recipe = load_recipe(tmp_path / "r.yaml", (), {})
    assert recipe.engine.ds_config == str(INSTALLED / "ds_configs" / "zero1.json")
    assert recipe.tokenizer.from_ == str(tmp_path / "v.txt")


def test_a_recipe_is_found_by_its_path_and_an_unknown_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").touch()
    assert find_recipe("mine.yaml") == Path("mine.yaml")
    with pytest.raises(RecipeError, match="no recipe that comes with the project is called so"):
        find_recipe("no-such-recipe")
    with pytest.raises(RecipeError, match="a folder; give the recipe's YAML file"):
        find_recipe(str(tmp_path))


def test_each_recipe_that_comes_with_the_project_is_found_by_its_bare_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = INSTALLED / "recipes"
    names = [file.stem for file in shipped.rglob("*.yaml")]
    assert [find_recipe(name).stem for name in names] == names
    assert len(set(names)) == len(names)
