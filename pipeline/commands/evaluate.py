"""`triptych evaluate`."""

from functools import partial
from pathlib import Path

import click

from pipeline.answer import open_model
from pipeline.asked import asked_of, refuse_unwritten, with_files
from pipeline.commands.options import MODEL
from pipeline.data_folder import find_data_folder
from pipeline.evaluate_tasks import evaluate_model
from pipeline.output_places import refuse_output_folder
from pipeline.tables import print_scores


@click.command()
@MODEL
@click.option("--suite", metavar="NAME", help="A whole suite, with its average: glue, clue, fewclue, …")
@click.option("--tasks", default="", metavar="A,B", help="Tasks to score; default: all that the model has heads for.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Data folder; default: that of the model's run, else TRIPTYCH_DATA."
)
@click.option(
    "--split",
    default="dev",
    show_default=True,
    help="Where labels are hidden, as of most tests, it is predicted alone.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for scores.json and predictions.")
def command(model: Path, suite: str | None, tasks: str, data: Path | None, split: str, out: Path | None) -> None:
    """Score an exported model, or a finished run's, on its tasks or on a suite."""

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    refuse_output_folder("--out", out)
    opened = open_model(model)
    asked = asked_of(opened, names, suite, split)
    refuse_unwritten(asked, out)
    folder = find_data_folder(data, model)
    asked = with_files(asked, opened, folder)
    print_scores(evaluate_model(opened, asked, folder, out, partial(click.echo, err=True)))
