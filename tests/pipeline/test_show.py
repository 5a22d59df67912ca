"""`show` prints what training used: spied from the engine during a real run, token by token."""

import json
import re
import time
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.show import step_text
from tokenization.errors import RecipeError
from training.engine import PlainEngine

TOKEN = re.compile(r"^\[(?P<given>.+)→(?P<wanted>.+)\]$")


def micro_batches(text: str) -> list[list[list[str]]]:
    """The printed sequences of each micro-batch, as lists of words."""
    found: list[list[list[str]]] = []
    for line in text.splitlines():
        if line.startswith("micro-batch"):
            found.append([])
        elif " draw " in line:
            found[-1].append(line.split(": ", 1)[1].replace("{nsp: ", "{nsp:").split(" "))
    return found


@pytest.fixture(scope="module")
def trained(shared_house: Any) -> list[Any]:
    """The rounds of each step of the first stage, in order, as the engine got them."""
    steps: list[Any] = []
    accumulate = PlainEngine.accumulate

    def spy(self: PlainEngine, rounds: Any, coefficients: Any) -> Any:
        steps.append([turn.batch for turn in rounds])
        return accumulate(self, rounds, coefficients)

    with patch.object(PlainEngine, "accumulate", spy):
        shared_house.run("spied", only="general")
    return steps


@pytest.mark.parametrize("step", [0, 5])
def test_the_masks_and_labels_shown_are_those_that_training_used(shared_house: Any, trained: Any, step: int) -> None:
    materials = shared_house.materials("spied")
    piece = materials.tokenizer.piece
    text = step_text(materials, materials.recipe.stage("general"), step + 1)
    shown = micro_batches(text)
    assert len(shown) == len(trained[step]) > 1
    for sequences, batch in zip(shown, trained[step], strict=True):
        words = [re.sub(r"\{nsp:\d\}$", "", word) for sequence in sequences for word in sequence]
        given = [match["given"] if (match := TOKEN.match(word)) else word for word in words]
        assert given == [piece(int(token)) for token in batch.tokens_T]
        assert [len(sequence) for sequence in sequences] == batch.lengths_N.tolist()
        lm, nsp = batch.selections
        chosen = {row: match["wanted"] for row, word in enumerate(words) if (match := TOKEN.match(word))}
        assert chosen == {int(r): piece(int(label)) for r, label in zip(lm.rows_M, lm.labels_M, strict=True)}
        labels = [re.search(r"\{nsp:(\d)\}$", sequence[0]) for sequence in sequences]
        assert [int(match[1]) for match in labels if match] == nsp.labels_M.tolist()
    counts = [int(sum(batch.selections[k].count for batch in trained[step])) for k in (0, 1)]
    assert f"general-pairs/mlm: weight 1, {counts[0]} labels" in text
    assert f"general-pairs/nsp: weight 1, {counts[1]} labels" in text


def test_the_rate_shown_is_the_rate_that_was_logged(shared_house: Any, done: Any) -> None:
    materials = shared_house.materials("done")
    records = [json.loads(line) for line in done.stage("domain").metrics.read_text().splitlines()]
    for record in records:
        text = step_text(materials, materials.recipe.stage("domain"), record["step"])
        assert f"rate {record['rate']:.6g}\n" in text
        for name, term in record["terms"].items():
            assert f"  {name}: weight {term['weight']:.6g}, {term['count']} labels\n" in text


def test_a_far_step_costs_no_more_than_the_first(shared_house: Any) -> None:
    materials = shared_house.materials("far", "general.steps=1000000000")
    stage = materials.recipe.stage("general")
    step_text(materials, stage, 1)
    begun = time.perf_counter()
    assert step_text(materials, stage, 1_000_000_000).startswith("stage general, step 1000000000 of 1000000000")
    assert time.perf_counter() - begun < 2.0


def test_a_labelled_step_shows_each_tasks_labels(shared_house: Any, done: Any) -> None:
    materials = shared_house.materials("done")
    texts = "".join(step_text(materials, materials.recipe.stage("multitask"), step) for step in range(1, 16))
    assert "[CLS]{classification: 1}" in texts
    assert re.search(r"\[CLS\]\{regression: 0?\.?\d+\}", texts)
    assert "{tagging: 1}" in texts


def test_the_command_shows_a_few_sequences_or_all(shared_house: Any, done: Any) -> None:
    words = ["show", str(shared_house.file), "--run-dir", str(done.root), "--stage", "domain", "--step", "2"]
    few, whole = (CliRunner().invoke(main, [*words, *more]).output for more in ([], ["--all"]))
    assert "more (--all shows them)" in few
    assert "more (" not in whole
    assert len(micro_batches(whole)[0]) > len(micro_batches(few)[0]) == 4


def test_steps_and_stages_that_are_not_there_are_refused(shared_house: Any, done: Any) -> None:
    materials = shared_house.materials("done")
    for step in (0, 9):
        with pytest.raises(RecipeError, match=rf"stage general has steps 1 to 8; given --step {step}"):
            step_text(materials, materials.recipe.stage("general"), step)
    words = ["show", str(shared_house.file), "--run-dir", str(done.root), "--stage", "domian", "--step", "2"]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, "Did you mean 'domain'?" in result.output) == (1, True)
