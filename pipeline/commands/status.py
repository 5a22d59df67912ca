"""`triptych status`."""

from pathlib import Path

import click

from pipeline.status import status_text


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
def command(run_dir: Path) -> None:
    """Say where a run stands."""
    click.echo(status_text(run_dir), nl=False)
