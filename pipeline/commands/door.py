"""The stage scripts: `python -m tokenization|pretrain|finetune RECIPE`, also under torchrun and deepspeed."""

from pathlib import Path

import click

from pipeline.commands.options import RECIPE, RUN_DIR, SETS, open_recipe
from pipeline.commands.run import run_recipe
from pipeline.run import Choice
from pipeline.tokenize import tokenize_all
from pipeline.told import told


def enter(name: str, kinds: tuple[str, ...]) -> None:
    """Run the recipe's stages of these kinds; without kinds, make its tokenizer and corpora."""

    @click.command(name=f"python -m {name}", context_settings={"help_option_names": ["-h", "--help"]})
    @RECIPE
    @SETS
    @RUN_DIR
    @click.option("--local_rank", "--local-rank", type=int, hidden=True, help="Given by the deepspeed launcher.")
    def command(recipe: str, sets: tuple[str, ...], run_dir: Path | None, local_rank: int | None) -> None:
        if kinds:
            run_recipe(recipe, sets, run_dir, Choice(kinds=kinds))
        else:
            click.echo(tokenize_all(*open_recipe(recipe, sets, run_dir)), nl=False)

    with told():
        command()
