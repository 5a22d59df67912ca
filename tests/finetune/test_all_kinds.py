"""Tasks of every kind on one encoder, in one batch, under PlainEngine. Oracle: each task's batch by itself."""

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import in_order
from finetune.answering.split_answers import answer_batches
from finetune.encoding.encode import encode_examples
from finetune.evaluate import score_task
from finetune.objectives import objective_of
from finetune.source import TaskSource
from finetune.tasks.example import Example, Span
from finetune.tasks.spec import KINDS
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from training.address import key_of
from training.batching import draw_step, flat_batch
from training.distributed import World
from training.engine import MicroBatch, PlainEngine, Reader
from training.mixture import Mixture, Stream
from training.optimizer import AdamW

ALONE = World(0, 1, torch.device("cpu"))
FIXTURE = {"classification": "single", "regression": "pair"}
WORDS = ("ab", "c", "def", "g", "hi", "j")
ROWS = 6


def row_of(spec, number):
    """An example whose answer can be read off its text."""
    word, others = WORDS[number], WORDS[number + 1 :] + WORDS[:number]
    text = " ".join((word, *others))
    match spec.kind:
        case "classification":
            return Example(str(number), (word,), (), spec.labels[number % 2])
        case "multilabel":
            return Example(str(number), (word,), (), spec.labels[: number % 4])
        case "regression":
            return Example(str(number), (word, "x"), (), float(number) - 0.5 if number else 0.0)
        case "tagging":
            return Example(str(number), (), ("x", word, *others[:2]), ("O", "B-PER", "I-PER", "O"))
        case "span":
            place = text.index(others[1])
            return Example(str(number), ("q", text), (), (Span(others[1], place),))
        case "generation":
            return Example(str(number), (word,), (), "".join(reversed(word)))
        case _:
            rows = tuple((word, one) for one in (*others[: number % 2 + 1], word))
            return Example(str(number), (), (), len(rows) - 1, rows)


@pytest.fixture
def tasks(request, tokenizer):
    """A small split of a task of each kind, by name."""
    specs = [request.getfixturevalue(FIXTURE.get(kind, kind)) for kind in KINDS]
    return {
        spec.name: encode_examples(spec, "train", [row_of(spec, number) for number in range(ROWS)], tokenizer, 24)
        for spec in specs
    }


def mixture_of(tasks, letters, sampling="every", items=4):
    streams = [
        Stream(
            name,
            TaskSource(task),
            (objective_of(task.spec, tokenizer=letters),),
            items,
            None,
            True,
            key_of(1, "stage", name),
        )
        for name, task in tasks.items()
    ]
    return Mixture(streams, sampling, key_of(1, "stage"))


def head_of(spec):
    if spec.kind == "generation":
        return HeadSpec("decoder", "decoder", 57)
    return HeadSpec(spec.name, spec.kind, spec.outputs)


def network_for(tasks):
    config = EncoderConfig(57, layers=2, hidden=32, heads=2, feed_forward=64, positions=24, dropout=0.0)
    heads = [head_of(task.spec) for task in tasks.values()]
    return Network(config, heads, seed=2)


def engine_of(network, mixture, rate=1e-3):
    objectives = [question.objective for question in mixture.questions]
    return PlainEngine(network, network.groups(), objectives, AdamW(rate), ALONE, bf16=False)


def batches_of(mixture, step, budget):
    return [flat_batch(mixture, part) for part in draw_step(mixture, step, budget).parts]


def counts_of(batches):
    return np.sum([[selection.count for selection in batch.selections] for batch in batches], axis=0)


def take_step(engine, mixture, step, budget, rate=1e-3):
    """A step as the loop takes it; its sums and counts."""
    batches = batches_of(mixture, step, budget)
    counts = counts_of(batches)
    weights = mixture.weights(step, 1000)
    coefficients = [w / c if c else 0.0 for w, c in zip(weights, counts, strict=True)]
    sums = engine.accumulate([MicroBatch(batch, 0) for batch in batches], coefficients)
    active = frozenset(q.objective.head for q, c in zip(mixture.questions, counts, strict=True) if c)
    engine.step(rate, active)
    return sums, counts


def test_a_batch_of_all_kinds_costs_each_task_what_a_batch_of_its_own_does(tasks, tokenizer):
    mixture, network = mixture_of(tasks, tokenizer), network_for(tasks)
    (batch,) = batches_of(mixture, 1, 10**4)
    sums = engine_of(network, mixture).accumulate([MicroBatch(batch, 0)], [1.0] * len(tasks))
    for place, (name, task) in enumerate(tasks.items()):
        alone = mixture_of({name: task}, tokenizer)
        (own,) = batches_of(alone, 1, 10**4)
        only = network_for(tasks)
        only.active = [task.spec.head_name]
        known = engine_of(only, alone).accumulate([MicroBatch(own, 0)], [1.0])
        assert sums[place] == pytest.approx(known[0], rel=1e-5)


def test_counts_known_before_the_forward_pass_are_those_of_the_terms(tasks, tokenizer):
    mixture, network = mixture_of(tasks, tokenizer), network_for(tasks)
    (batch,) = batches_of(mixture, 0, 10**4)
    with torch.no_grad():
        logits = network.eval()(batch)
    for question, selection, logits_MC in zip(mixture.questions, batch.selections, logits, strict=True):
        term = question.objective.term(logits_MC, selection.labels_M, selection.groups_G1)
        assert term.count == selection.count >= 4, question.name


def test_the_gradient_is_the_same_however_the_step_is_cut_into_micro_batches(tasks, tokenizer):
    def gradient(budget):
        mixture, network = mixture_of(tasks, tokenizer), network_for(tasks)
        batches = batches_of(mixture, 2, budget)
        coefficients = [1.0 / count for count in counts_of(batches)]
        engine_of(network, mixture).accumulate([MicroBatch(batch, 0) for batch in batches], coefficients)
        return torch.cat([p.grad.reshape(-1) for p in network.parameters()]), batches

    whole, one = gradient(10**4)
    cut, many = gradient(80)
    assert len(one) == 1
    assert len(many) > 3
    assert any(len(selection.rows_M) == 0 for batch in many for selection in batch.selections)
    assert (cut - whole).norm() <= 1e-5 * whole.norm()


def test_candidates_stay_together_in_whatever_micro_batch(tasks, tokenizer):
    grouped = {name: task for name, task in tasks.items() if task.spec.kind in ("ranking", "choice")}
    mixture = mixture_of(grouped, tokenizer)
    for step in range(6):
        for batch in batches_of(mixture, step, 40):
            for selection in batch.selections:
                if len(selection.rows_M):
                    groups = np.split(selection.labels_M.numpy(), selection.groups_G1[1:-1])
                    assert [int(group.sum()) for group in groups] == [1] * len(groups)


def test_heads_of_idle_tasks_stand_still_bit_for_bit(tasks, tokenizer):
    mixture, network = mixture_of(tasks, tokenizer, "alternate"), network_for(tasks)
    own = {name for group in network.groups() if group.name.startswith("head:") for name, _ in group.parameters}
    engine = engine_of(network, mixture)
    moved = set()
    for step in range(2 * len(tasks)):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        _, counts = take_step(engine, mixture, step, 200)
        (drawn,) = (name for name, count in zip(tasks, counts, strict=True) if count)
        now = network.state_dict()
        changed = {name.split(".")[1] for name in own if not torch.equal(now[name], before[name])}
        assert changed == {tasks[drawn].spec.head_name}
        moved.add(drawn)
    assert len(moved) > 3


@pytest.mark.slow
def test_one_encoder_learns_tasks_of_every_kind_at_once(tasks, tokenizer):
    """Every example it was trained on is answered right."""
    mixture, network = mixture_of(tasks, tokenizer, items=12), network_for(tasks)
    engine = engine_of(network, mixture)
    for step in range(400):
        take_step(engine, mixture, step, 10**4, rate=2e-3)
    for name, task in tasks.items():
        answers = answer_batches(Reader(network, ALONE, bf16=False), task, dev_batches(task, 500), tokenizer)
        scores = score_task(task, in_order(answers, task), task.gold)
        assert scores.value >= 0.999, (name, scores.metrics)
