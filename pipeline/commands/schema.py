"""`triptych schema`."""

import json

import click

from pipeline.recipe.schema import json_schema


@click.command()
def command() -> None:
    """Print the recipe's JSON Schema, with which editors complete and check recipes."""

    click.echo(json.dumps(json_schema(), indent=2))
