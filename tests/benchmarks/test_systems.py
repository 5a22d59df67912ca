"""The table of systems against the recipes: what it names is there, and each recipe is short."""

import pytest

from benchmarks.systems import RECIPES
from benchmarks.systems_table import SYSTEMS, System
from pipeline.recipe.identity import identity
from pipeline.recipe.load import load_recipe

BASES = {"base", "contest-base"}
NAMES = [system.name for system in SYSTEMS]


def test_every_recipe_of_the_folder_is_a_system_of_its_name_or_a_base() -> None:
    assert sorted([*NAMES, *BASES]) == sorted(path.stem for path in RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("name", [*NAMES, *sorted(BASES)])
def test_a_recipe_has_sixty_lines_at_most(name: str) -> None:
    assert len((RECIPES / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_the_scores_of_a_row_are_of_tasks_and_stages_that_there_are(system: System) -> None:
    recipe = load_recipe(RECIPES / f"{system.name}.yaml", (), {})
    for stage, task in system.scores:
        assert recipe.stage(stage)
        assert task in recipe.tasks


@pytest.mark.parametrize("system", [system for system in SYSTEMS if system.shares], ids=lambda system: system.name)
def test_a_system_shares_the_first_stage_of_an_earlier_one(system: System) -> None:
    own = load_recipe(RECIPES / f"{system.name}.yaml", (), {})
    first = own.stages[0].name
    for other in system.shares:
        assert NAMES.index(other) < NAMES.index(system.name)
        its = load_recipe(RECIPES / f"{other}.yaml", (), {})
        assert identity(own, first) == identity(its, first)
