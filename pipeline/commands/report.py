"""`triptych report`."""

from pathlib import Path

import click

from pipeline.report import write_report


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
def command(run_dir: Path) -> None:
    """Write RUN_DIR/report.html: curves, tables, ledger, recipe, environment."""
    click.echo(f"report: {write_report(run_dir)}")
