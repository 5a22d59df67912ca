"""What the commands share: options, and opening the recipe and its run directory."""

from pathlib import Path

import click

from pipeline.recipe.load import load_recipe
from pipeline.recipe.paths import find_recipe
from pipeline.recipe.recipe import Recipe
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import with_seeds

RECIPE = click.argument("recipe")
SETS = click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change one setting of the recipe.")
RUN_DIR = click.option("--run-dir", type=click.Path(path_type=Path), help="Run directory; default: runs/<recipe name>.")
SEEDS = click.option(
    "--seeds",
    metavar="N|all:N",
    help="N seeds in all, repeating the labelled stages and what follows them; all: every stage.",
)
MODEL = click.argument("model", type=click.Path(path_type=Path))


def open_recipe(
    recipe: str, sets: tuple[str, ...], run_dir: Path | None, seeds: str | None = None
) -> tuple[Recipe, RunFolder]:
    """The loaded recipe and its run folder."""
    loaded = with_seeds(load_recipe(find_recipe(recipe), sets), seeds)
    return loaded, RunFolder(run_dir or Path("runs") / loaded.name)
