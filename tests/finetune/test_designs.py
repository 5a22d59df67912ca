"""Tasks whose heads read runs, or the last token, in one batch with others. Oracle: each task's batch by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import in_order, predict
from finetune.encoding.encode import encode_examples
from finetune.evaluate import evaluate_task
from finetune.objectives import objective_of
from finetune.source import TaskSource
from finetune.tasks.example import Example
from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.network import Network
from training.address import key_of
from training.batching import draw_step, flat_batch
from training.distributed import World
from training.engine import MicroBatch, PlainEngine
from training.mixture import Mixture, Stream
from training.optimizer import AdamW

ALONE = World(0, 1, torch.device("cpu"))
WORDS = ("ab", "c", "def", "g", "hi", "j", "klm", "no")
DESIGNS = (
    ("pair", "row", "left"),
    ("pair", "siamese", "both"),
    ("pair", "san", "both"),
    ("single", "concat", "left"),
    ("single", "attention", "right"),
    ("multilabel", "concat", "both"),
    ("choice", "san", "both"),
)


def row_of(spec, number):
    """An example whose answer can be read off its text."""
    word, other = WORDS[number], WORDS[(number + 3) % len(WORDS)]
    match spec.kind:
        case "classification":
            return Example(str(number), (f"x {word} x",), (), spec.labels[number % 2])
        case "multilabel":
            return Example(str(number), (f"x {word}",), (), spec.labels[: number % 4])
        case "regression":
            return Example(str(number), (word, word if number % 2 else other), (), 5.0 * (number % 2))
        case _:
            rows = ((word, other), (word, word))
            return Example(str(number), (), (), number % 2, rows if number % 2 else rows[::-1])


@pytest.fixture
def tasks(request, tokenizer):
    """A small split of a task for each design, by name."""
    found = {}
    for fixture, pool, attention in DESIGNS:
        name = f"{fixture}-{pool}-{attention}"
        spec = request.getfixturevalue(fixture)
        spec = replace(spec, name=name, design=HeadDesign(pool=pool, steps=2), attention=attention)
        found[name] = encode_examples(spec, "train", [row_of(spec, number) for number in range(8)], tokenizer, 24)
    return found


def mixture_of(tasks, items=4):
    streams = [
        Stream(name, TaskSource(task), (objective_of(task.spec),), items, None, True, key_of(1, "stage", name))
        for name, task in tasks.items()
    ]
    return Mixture(streams, "every", key_of(1, "stage"))


def network_for(tasks, seed=2):
    config = EncoderConfig(57, layers=2, hidden=32, heads=2, feed_forward=64, positions=24, dropout=0.0)
    heads = [HeadSpec(name, task.spec.kind, task.spec.outputs, task.spec.design) for name, task in tasks.items()]
    return Network(config, heads, seed=seed)


def engine_of(network, mixture):
    objectives = [question.objective for question in mixture.questions]
    return PlainEngine(network, network.groups(), objectives, AdamW(1e-3), ALONE, bf16=False)


def batches_of(mixture, step, budget):
    return [flat_batch(mixture, part) for part in draw_step(mixture, step, budget).parts]


def test_a_batch_of_all_designs_costs_each_task_what_a_batch_of_its_own_does(tasks):
    mixture, network = mixture_of(tasks), network_for(tasks)
    (batch,) = batches_of(mixture, 1, 10**4)
    sums = engine_of(network, mixture).accumulate([MicroBatch(batch, 0)], [1.0] * len(tasks))
    for place, (name, task) in enumerate(tasks.items()):
        alone = mixture_of({name: task})
        (own,) = batches_of(alone, 1, 10**4)
        only = network_for(tasks)
        only.active = [name]
        known = engine_of(only, alone).accumulate([MicroBatch(own, 0)], [1.0])
        assert sums[place] == pytest.approx(known[0], rel=1e-5)


def test_the_gradient_is_the_same_however_the_step_is_cut_into_micro_batches(tasks):
    def gradient(budget):
        mixture, network = mixture_of(tasks), network_for(tasks)
        batches = batches_of(mixture, 2, budget)
        counts = np.sum([[selection.count for selection in batch.selections] for batch in batches], axis=0)
        engine = engine_of(network, mixture)
        engine.accumulate([MicroBatch(batch, 0) for batch in batches], (1.0 / counts).tolist())
        return torch.cat([p.grad.reshape(-1) for p in network.parameters()]), batches, counts

    whole, one, counts = gradient(10**4)
    cut, many, same = gradient(60)
    assert (len(one), counts.tolist(), same.tolist()) == (1, [4] * len(tasks), [4] * len(tasks))
    assert len(many) > 3
    assert any(len(selection.rows_M) == 0 for batch in many for selection in batch.selections)
    assert (cut - whole).norm() <= 1e-5 * whole.norm()


def test_answers_do_not_depend_on_the_batch_and_come_in_the_order_of_the_split(tasks):
    network = network_for(tasks).eval()
    for name, task in tasks.items():
        network.active = [name]
        found = [in_order(predict(network, task, dev_batches(task, budget)), task) for budget in (1, 40, 10**4)]
        assert [one.example for one in found[0]] == list(range(8))
        for one, other, third in zip(*found, strict=True):
            for given in (other, third):
                if one.scores is not None:
                    assert np.allclose(one.scores, given.scores, atol=1e-6)
                else:
                    assert one.answer == pytest.approx(given.answer, abs=1e-5)


def test_read_left_to_right_an_answer_hears_the_last_token_and_at_the_first_it_could_not(tasks):
    task = tasks["pair-row-left"]
    network = network_for(tasks).eval()
    network.active = [task.spec.name]
    batch = dev_batches(task, 10**4)[0].batch
    (selection,) = batch.selections
    changed = batch.tokens_T.clone()
    changed[batch.offsets_N1[1:] - 1] = 7
    at_first = replace(batch, selections=(replace(selection, rows_M=batch.offsets_N1[:-1]),))
    with torch.no_grad():
        heard, deaf = (
            (network(given)[0] - network(replace(given, tokens_T=changed))[0]).abs().max()
            for given in (batch, at_first)
        )
    assert heard > 1e-4
    assert deaf == 0


@pytest.mark.slow
def test_every_design_learns(tasks):
    """Every example it was trained on is answered right."""
    mixture, network = mixture_of(tasks, items=16), network_for(tasks)
    engine = engine_of(network, mixture)
    for step in range(150):
        batches = batches_of(mixture, step, 10**4)
        engine.accumulate([MicroBatch(batch, 0) for batch in batches], [1 / 16] * len(tasks))
        engine.step(2e-3, frozenset(tasks))
    for name, task in tasks.items():
        scores, _ = evaluate_task(network.eval(), task, task.gold, 500)
        assert scores.value >= 0.999, (name, scores.metrics)
