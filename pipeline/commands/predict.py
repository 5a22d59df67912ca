"""`triptych predict`."""

from pathlib import Path

import click

from pipeline.answer import open_model, predict_file
from pipeline.commands.options import MODEL


@click.command()
@MODEL
@click.option("--task", required=True, help="The task, one of the model's heads.")
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    help="Rows in the task's columns; that of the labels may be missing.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON lines of id and label.")
def command(model: Path, task: str, file: Path, out: Path) -> None:
    """Answer each row of a file with one of the model's heads."""

    click.echo(f"{predict_file(open_model(model), task, file, out):,} answers: {out}")
