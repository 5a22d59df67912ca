"""`triptych submission`: write the zip that a board takes, or check one from anywhere."""

import sys
from pathlib import Path

import click

from finetune.submissions.boards import BOARDS
from finetune.submissions.check import check_submission
from finetune.submissions.write import Written, write_submission
from pipeline.output_places import refuse_output_file

SUITE = click.option("--suite", type=click.Choice(list(BOARDS)), required=True, help="Whose board it is for.")
DATA = click.option(
    "--data",
    envvar="TRIPTYCH_DATA",
    type=click.Path(path_type=Path),
    help="Data folder, to compare with its test files; default: TRIPTYCH_DATA.",
)


@click.group()
def command() -> None:
    """Write the zip that a suite's board takes, or say what the board would reject."""


@command.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@SUITE
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The zip to write.")
@DATA
@click.option("--fill-missing", is_flag=True, help="Answer GLUE's tasks without predictions by a constant, and say so.")
def write(predictions: Path, suite: str, to: Path, data: Path | None, fill_missing: bool) -> None:
    """Write a submission from PREDICTIONS, which `triptych evaluate --split test --out` wrote.

    GLUE and the contest need all of their files; CLUE and FewCLUE score those that are there.
    """
    refuse_output_file("--to", to, {})
    click.echo(_told(to, write_submission(predictions, BOARDS[suite], to, data, fill_missing)))


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@SUITE
@DATA
def check(file: Path, suite: str, data: Path | None) -> None:
    """Say what the board would reject, or score 0, and why. Exit code 1 where there is such a thing."""
    verdict = check_submission(file, BOARDS[suite], data)
    click.echo(str(verdict))
    if not verdict.accepted:
        sys.exit(1)


def _told(to: Path, written: Written) -> str:
    files = [f"  {name}: {answers:,} answers" for name, answers in written.answers.items()]
    filled = [
        f"  {file.name} has no predictions: each answer is {file.filler}. Its score is not the model's."
        for file in written.filled
    ]
    missing = [f"  {file.name} is left out: no predictions of {file.task} ({file.split})" for file in written.missing]
    notes = [f"  note: {note}" for note in written.verdict.notes]
    return "\n".join([f"{to}: {written.verdict.board.title}", *files, *filled, *missing, *notes])
