"""`triptych doctor`."""

import os
import sys
from pathlib import Path

import click

from pipeline.commands.options import RUN_DIR, SETS, open_recipe
from pipeline.doctor.examined import examined, examined_suite
from tokenization.errors import RecipeError


@click.command()
@click.argument("recipe", required=False)
@SETS
@RUN_DIR
@click.option("--suite", metavar="NAME", help="In the place of a recipe: the tasks of a suite, as glue or clue.")
@click.option("--data", type=click.Path(path_type=Path), help="With --suite: its folder; default: TRIPTYCH_DATA.")
def command(
    recipe: str | None, sets: tuple[str, ...], run_dir: Path | None, suite: str | None, data: Path | None
) -> None:
    """Sample a recipe's text, read its tasks, and say what is wrong with them and what they hold.

    Of the text also what tokenising it will take. The exit code is 1 where something is missing or cannot be read, at
    which `run` would refuse to begin, and 0 otherwise, whatever else was found.
    """
    if (recipe is None) == (suite is None):
        raise RecipeError("give either a recipe or --suite")
    if suite is not None and (sets or run_dir):
        raise RecipeError("--set and --run-dir go with a recipe, not with --suite")
    if data is not None and suite is None:
        raise RecipeError("--data goes with --suite; a recipe's folder is set by --set data=DIR")
    if suite is not None:
        found = examined_suite(suite, data or Path(os.environ.get("TRIPTYCH_DATA") or os.curdir))
    else:
        assert recipe is not None
        found = examined(*open_recipe(recipe, sets, run_dir))
    refused = False
    for finding in found:
        click.echo(finding.text)
        refused |= finding.refused
    sys.exit(int(refused))
