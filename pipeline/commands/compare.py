"""`triptych compare`."""

from pathlib import Path

import click

from pipeline.seeds.compare import compare_runs
from pipeline.tables import print_grids


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
def command(run_a: Path, run_b: Path) -> None:
    """Compare two runs seed by seed: what differs by more than the noise of seeds."""
    grid, lines = compare_runs(run_a, run_b)
    print_grids((grid,), lines)
