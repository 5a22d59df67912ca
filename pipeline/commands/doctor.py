"""`triptych doctor`."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.doctor import examined


@click.command()
@RECIPE
@SETS
@RUN_DIR
def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None) -> None:
    """Sample the recipe's text and say what is wrong with it, what it holds and what tokenising it will take."""
    loaded, folder = open_recipe(recipe, sets, run_dir)
    for lines in examined(loaded, folder):
        click.echo(lines)
