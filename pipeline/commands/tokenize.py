"""`triptych tokenize`."""

from contextlib import nullcontext
from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.tokenize import Way, tokenize_all
from tokenization.building.ray_runner import on_ray
from tokenization.building.runners import ProcessRunner
from tokenization.corpus_build import Part
from tokenization.errors import RecipeError


class PartOf(click.ParamType):
    """`3/8`: number 3 of the parts 0 … 7."""

    name = "i/n"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Part:
        """Read a part.

        Raises:
            RecipeError: no such part.
        """
        number, slash, of = str(value).partition("/")
        if not (slash and number.isdecimal() and of.isdecimal()):
            self.fail(f"{value!r} is not of the form i/n, such as 0/8 … 7/8.", param, ctx)
        return Part(int(number), int(of))


@click.command()
@RECIPE
@SETS
@RUN_DIR
@click.option("--workers", type=click.IntRange(min=1), help="Processes; default: one for each usable core.")
@click.option("--part", type=PartOf(), help="Do every n-th shard from the i-th on (0 … n-1), as one job of n.")
@click.option(
    "--on", metavar="ray://HOST:10001", help="Have a Ray cluster do it, whose nodes all see text and run directory."
)
@click.option("--skip-bad", is_flag=True, help="Count and list malformed input instead of stopping at it.")
def command(
    recipe: str,
    sets: tuple[str, ...],
    run_dir: Path | None,
    workers: int | None,
    part: Part | None,
    on: str | None,
    skip_bad: bool,
) -> None:
    """Make the recipe's tokenizer and tokenise its corpora. Run again to go on.

    Several jobs, on machines that share the run directory, do it together with --part 0/N … (N-1)/N each; then once
    without --part puts the corpora together. Corpora that drop duplicates need the parts twice: all documents are
    looked at before the first is dropped.
    """
    if on and (workers or part):
        raise RecipeError(f"--on {on} uses all of the cluster's cores for all units: leave out --workers and --part.")
    loaded, folder = open_recipe(recipe, sets, run_dir)
    with on_ray(on) if on else nullcontext(ProcessRunner(workers) if workers else None) as runner:
        click.echo(tokenize_all(loaded, folder, Way(runner, part, skip_bad)), nl=False)
