"""`triptych run`, and the part of it that each stage script runs."""

import sys
from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SEEDS, SETS, open_recipe
from pipeline.run import Choice
from pipeline.run import run as run_stages
from training.loop import Stopped


@click.command()
@RECIPE
@SETS
@RUN_DIR
@SEEDS
@click.option("--from", "first", metavar="STAGE", help="Move this stage and what follows aside, and run them again.")
@click.option("--only", metavar="STAGE", help="Run this stage alone; its parent must be finished, or shared.")
@click.option("--extend", is_flag=True, help="Let a finished stage go on to the recipe's higher number of steps.")
@click.option(
    "--share",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Take over finished stages of another run where they are the same.",
)
def command(
    recipe: str,
    sets: tuple[str, ...],
    run_dir: Path | None,
    seeds: str | None,
    first: str | None,
    only: str | None,
    extend: bool,
    share: tuple[Path, ...],
) -> None:
    """Run a recipe from wherever it stands: raw text to scores. Run again to go on."""
    run_recipe(recipe, sets, run_dir, Choice(first, only, (), extend, share), seeds)


def run_recipe(
    recipe: str, sets: tuple[str, ...], run_dir: Path | None, choice: Choice, seeds: str | None = None
) -> None:
    """Run a recipe, or some of its stages; a stop that was asked for ends with 128 + the signal, as shells do."""
    loaded, folder = open_recipe(recipe, sets, run_dir, seeds)
    try:
        run_stages(loaded, folder.root, choice)
    except Stopped as stopped:
        click.echo(f"triptych: {stopped}; everything is saved. Run the same command again to go on.", err=True)
        sys.exit(130 if stopped.signal == "SIGINT" else 143)
