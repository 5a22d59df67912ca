"""The command line: a table of commands, each loaded when it is called, so that `--help` answers in a blink."""

import importlib
from typing import Any

import click

from pipeline.told import told

COMMANDS = {
    "plan": "Say what `run` would do with each stage, and why. Touches nothing.",
    "run": "Run a recipe from wherever it stands: raw text to scores. Run again to go on.",
    "show": "Print the exact sequences, masks, labels and weights of a step.",
    "status": "Say where a run stands.",
    "compare": "Compare two runs seed by seed: what differs by more than the noise of seeds.",
    "report": "Write a run's report: curves, tables, ledger, recipe, environment.",
    "evaluate": "Score an exported model, or a finished run's, on its tasks.",
    "features": "Store a frozen encoder's vectors of tasks' texts, and score a light classifier on them.",
    "submission": "Write the zip that a suite's board takes, or say what a board would reject.",
    "predict": "Answer each row of a file with one of the model's heads.",
    "rank": "Rank candidates for queries by a Siamese head, whose candidates are stored vectors.",
    "export": "Write a run's model, or a public BERT, as a folder that transformers opens.",
    "doctor": "Sample a recipe's text, read its tasks, and say what is wrong, before any work.",
    "tokenize": "Make a recipe's tokenizer and tokenise its corpora.",
    "schema": "Print the recipe's JSON Schema, with which editors complete and check recipes.",
}


class Commands(click.Group):
    """The commands of the table; a user's mistake is shown as one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"pipeline.commands.{cmd_name}").command
        found.name = cmd_name
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        with told():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="triptych")
def main() -> None:
    """Staged pre-training of text encoders: raw text to a scored multi-task model."""
