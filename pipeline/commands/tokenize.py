"""`triptych tokenize`."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.tokenize import tokenize_all


@click.command()
@RECIPE
@SETS
@RUN_DIR
def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None) -> None:
    """Make the recipe's tokenizer and tokenise its corpora."""
    loaded, folder = open_recipe(recipe, sets, run_dir)
    click.echo(tokenize_all(loaded, folder), nl=False)
