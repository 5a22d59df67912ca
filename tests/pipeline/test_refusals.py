"""What needs no text to be refused: by the first plan and the first run, before anything is tokenised."""

from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main

ROWS = "kind: classification, fields: text, labels: [sea, land], files: {train: topic-train.tsv, dev: topic-dev.tsv}"
WRITTEN = "tasks.extra={kind: generation, fields: one, label: two, files: {train: alike-train.jsonl}, "
CUT = "multitask.aux.objectives=[mass]"
RESERVED = "general.name=lm-head"
DRAWN = "multitask.streams=[{source: {task: extra}, amount: {examples: 2}}]"


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ([f"tasks.nsp={{{ROWS}, length: 32}}"], "tasks.nsp: this name is taken by the head of that objective"),
        (
            [WRITTEN + "by: prefix, length: 30, longest: 5}", DRAWN],
            "tasks.extra.length, of source and target in one sequence: 59 tokens are more than the encoder's 48",
        ),
        (
            [WRITTEN + "by: left, length: 40, longest: 20}"],
            "tasks.extra: a source of 40 tokens (length), 20 tokens behind it (longest) and their end are more than",
        ),
        (
            [CUT],
            "stages[multitask].streams[aux].source.text_of: a sequence of alike holds two texts, and 'mass' cuts",
        ),
        ([RESERVED], "stages[lm-head].name: 'lm-head' is the stage that `run` itself puts in front"),
    ],
)
def test_what_the_encoder_and_its_heads_cannot_hold_is_refused_before_anything_is_made(
    house: Any, command: str, sets: list[str], told: str
) -> None:
    words = [word for text in sets for word in ("--set", text)]
    result = CliRunner().invoke(main, [command, str(house.file), "--run-dir", str(house.folder("r").root), *words])
    assert result.exit_code == 1
    assert told in " ".join(result.output.split())
    assert not list((house.base / "runs").rglob("tokenizers"))


@pytest.mark.parametrize("given", [CUT, RESERVED])
def test_recipes_of_runs_that_were_finished_before_such_was_refused_still_open(house: Any, given: str) -> None:
    assert house.recipe(given).stages
