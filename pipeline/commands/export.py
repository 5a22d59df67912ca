"""`triptych export`."""

from pathlib import Path

import click

from pipeline.export_command import export_any


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--stage", help="Of a run: the stage whose model it is; default: the last.")
def command(source: Path, target: Path, stage: str | None) -> None:
    """Write a run's model, or a public BERT checkpoint, as a folder that transformers opens."""

    click.echo(export_any(source, target, stage), nl=False)
