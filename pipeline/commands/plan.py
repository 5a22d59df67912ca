"""`triptych plan`."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.plan import outlook, outlook_text
from pipeline.run import materials_of
from pipeline.text_needs import refuse_missing
from pipeline.text_plan import text_plan


@click.command()
@RECIPE
@SETS
@RUN_DIR
@click.option("--extend", is_flag=True, help="Judge as `run --extend` would.")
def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None, extend: bool) -> None:
    """Say what `run` would do with the text and with each stage, and why. Touches nothing."""
    loaded, folder = open_recipe(recipe, sets, run_dir)
    materials = materials_of(loaded, folder, make=False)
    refuse_missing(materials, loaded.corpora)
    click.echo(text_plan(materials) + outlook_text(outlook(materials, folder, extend)), nl=False)
