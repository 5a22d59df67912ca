"""`triptych plan`."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SEEDS, SETS, open_recipe
from pipeline.needs import refuse_missing, splits_of
from pipeline.plan import outlook, outlook_text, seeds_text
from pipeline.run import materials_of
from pipeline.text_plan import text_plan
from pipeline.unused import unused_notes


@click.command()
@RECIPE
@SETS
@RUN_DIR
@SEEDS
@click.option("--extend", is_flag=True, help="Judge as `run --extend` would.")
def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None, seeds: str | None, extend: bool) -> None:
    """Say what `run` would do with the text and with each stage, and why. Touches nothing."""
    loaded, folder = open_recipe(recipe, sets, run_dir, seeds)
    materials = materials_of(loaded, folder, make=False)
    refuse_missing(materials, loaded.corpora, splits_of(materials, materials.recipe.stages))
    stages = outlook_text(outlook(materials, folder, extend)) + seeds_text(materials, folder, extend)
    unused = "".join(f"{line}\n" for line in unused_notes(materials))
    click.echo(text_plan(materials) + stages + unused, nl=False)
