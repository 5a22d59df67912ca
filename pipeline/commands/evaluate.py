"""`triptych evaluate`."""

from pathlib import Path

import click

from pipeline.answer import evaluate_model, open_model
from pipeline.commands.options import MODEL, data_folder
from pipeline.tables import print_scores


@click.command()
@MODEL
@click.option("--tasks", default="", metavar="A,B", help="Tasks to score; default: all that the model has heads for.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Data folder; default: that of the run, else TRIPTYCH_DATA."
)
@click.option("--split", default="dev", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for scores.json and predictions.")
def command(model: Path, tasks: str, data: Path | None, split: str, out: Path | None) -> None:
    """Score an exported model, or a finished run's, on its tasks."""

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    print_scores(evaluate_model(open_model(model), names, data_folder(data, model), split, out))
