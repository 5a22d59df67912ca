"""`triptych show`."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.lineage import refuse_unknown_stage
from pipeline.run import materials_of
from pipeline.show import step_text


@click.command()
@RECIPE
@SETS
@RUN_DIR
@click.option("--stage", required=True, help="The stage.")
@click.option("--step", type=int, required=True, help="The optimizer step, from 1 as in the logs.")
@click.option("--all", "whole", is_flag=True, help="Every sequence, not just the first few of a micro-batch.")
def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None, stage: str, step: int, whole: bool) -> None:
    """Print the exact sequences, masks, labels and weights of a step."""
    loaded, folder = open_recipe(recipe, sets, run_dir)
    materials = materials_of(loaded, folder)
    refuse_unknown_stage(materials.recipe, stage)
    click.echo(step_text(materials, materials.recipe.stage(stage), step, None if whole else 4), nl=False)
