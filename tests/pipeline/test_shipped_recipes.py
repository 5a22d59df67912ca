"""The recipes that come along, and the README's, load as they stand."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.recipe.load import dump_resolved, load_recipe
from pipeline.recipe.paths import INSTALLED

RECIPES = sorted((INSTALLED / "recipes").rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_loads_is_named_after_its_file_and_resolves_to_itself(path: Path, tmp_path: Path) -> None:
    packages = re.findall(r"package:(\w+)/", path.read_text(encoding="utf-8"))
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    recipe = load_recipe(path, (), {})
    assert recipe.name == path.stem
    again = tmp_path / "resolved.yaml"
    again.write_text(dump_resolved(recipe), encoding="utf-8")
    assert load_recipe(again, (), {}) == recipe


def test_the_readmes_recipe_loads(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(name: .*?)```", (INSTALLED / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "reviews.yaml").write_text(text, encoding="utf-8")
    recipe = load_recipe(tmp_path / "reviews.yaml", (), {})
    assert [stage.name for stage in recipe.stages] == ["general", "multitask"]


@pytest.mark.data
def test_glue_mini_is_planned_on_the_real_data(data_folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRIPTYCH_DATA", str(data_folder))
    planned = CliRunner().invoke(main, ["plan", "glue-mini", "--run-dir", str(tmp_path / "r")])
    assert planned.exit_code == 0, planned.output
    assert "multitask (finetune): START, after domain" in planned.output
    assert "rte: 2,490 rows, 32 a step" in planned.output
    assert not (tmp_path / "r").exists()
