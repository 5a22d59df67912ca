"""The loop: what a step logs, whom it moves, when it evaluates, saves and refuses to go on."""

from typing import Any

import numpy as np
import pytest
import torch

from tokenization.errors import RunError
from training.batching import draw_step
from training.checkpoint import StageFolder
from training.distributed import World
from training.interrupt import StopRequest
from training.loop import Evaluation, Stopped, _own_rounds, fit
from training.mixture import Mixture
from training.objective import perplexity
from training.state import State


class Watcher:
    def __init__(self):
        self.steps: list[dict[str, Any]] = []
        self.evaluations: list[dict[str, Any]] = []

    def step(self, record):
        self.steps.append(record)

    def evaluation(self, record):
        self.evaluations.append(record)


@pytest.fixture
def train(toy, tmp_path):
    return lambda steps, **given: toy.train(tmp_path, toy.plan(steps, **given.pop("plan", {})), **given)


def scripted(*scores):
    """An evaluation that gives these joint scores in turn."""
    left = iter(scores)

    def evaluate():
        score = next(left)
        return Evaluation({"a": {"accuracy": score, "f1": 0.0}}, {"a": score}, score)

    return evaluate


def test_the_logged_loss_is_the_weighted_sum_of_its_terms_means(train, lines, tmp_path):
    train(6)
    for record in lines(tmp_path):
        assert record["loss"] == pytest.approx(sum(t["weight"] * t["loss"] for t in record["terms"].values()))
        labelled = [name for name in ("a/a", "b/b") if name in record["terms"]]
        assert len(labelled) == 1
        assert {"lm/mlm", "lm/nsp"} <= record["terms"].keys()


def test_an_autoregressive_objective_has_its_perplexity_beside_the_loss(train, lines, tmp_path, toy, monkeypatch):
    monkeypatch.setattr(toy.Parity, "autoregressive", True)
    train(2)
    for record in lines(tmp_path):
        told = {name: term["perplexity"] for name, term in record["terms"].items() if "perplexity" in term}
        assert told == {
            name: pytest.approx(np.exp(term["loss"])) for name, term in record["terms"].items() if name in told
        }
        assert set(told) == record["terms"].keys() - {"lm/mlm", "lm/nsp"}


def test_no_loss_is_too_high_for_a_perplexity_that_a_file_can_hold():
    assert 1e300 < perplexity(1e6) < np.inf


class Recorder:
    """An engine that notes what the loop asks of it."""

    def __init__(self, engine):
        self._engine = engine
        self.coefficients, self.seeds = [], []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def accumulate(self, rounds, coefficients):
        self.coefficients.append(list(coefficients))
        self.seeds.append([turn.seed for turn in rounds])
        return self._engine.accumulate(rounds, coefficients)


def recorded(toy, root, steps, **settings):
    mixture = toy.mixture()
    recorder = Recorder(toy.plain_engine(toy.network(dropout=0.0), mixture))
    fit(toy.plan(steps, **settings), mixture, recorder, State(), StageFolder(root), Watcher(), StopRequest())
    return recorder


def test_each_sum_of_losses_is_weighed_by_its_weight_over_the_whole_steps_count(toy, lines, tmp_path):
    recorder = recorded(toy, tmp_path, 8)
    for coefficients, record in zip(recorder.coefficients, lines(tmp_path), strict=True):
        for name, found in zip(("lm/mlm", "lm/nsp", "a/a", "b/b"), coefficients, strict=True):
            term = record["terms"].get(name)
            assert found == pytest.approx(term["weight"] / term["count"] if term else 0.0)


@pytest.mark.parametrize("budget", [23, 40])
def test_a_stage_is_the_same_training_whatever_the_size_of_its_micro_batches(toy, lines, tmp_path, budget):
    """A mean of micro-batch means, or clipping each of them, departs from it by percents."""
    for name, size in (("whole", 10_000), ("cut", budget)):
        recorded(toy, tmp_path / name, 8, budget=size)
    losses = [[record["loss"] for record in lines(tmp_path / name)] for name in ("cut", "whole")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_no_two_micro_batches_of_a_stage_share_their_noise(toy, tmp_path):
    seeds = [seed for step in recorded(toy, tmp_path, 8).seeds for seed in step]
    assert len(set(seeds)) == len(seeds) >= 16


@pytest.mark.parametrize("size", [2, 3, 5])
def test_ranks_share_the_micro_batches_and_their_noise_out_in_turn_with_nothing_in_the_rest(toy, size):
    """Micro-batch m and its seed are the same on whichever rank it lands."""
    mixture = toy.mixture()
    engine = toy.plain_engine(toy.network(), mixture)
    draw = draw_step(mixture, 3, 40)

    def rounds(rank, size):
        engine.world = World(rank, size, torch.device("cpu"))
        turns = _own_rounds(draw, mixture, toy.plan(9), 3, engine)
        return [(turn.seed, turn.batch.tokens_T.tolist()) if turn else None for turn in turns]

    alone = rounds(0, 1)
    dealt = [turn for together in zip(*(rounds(rank, size) for rank in range(size)), strict=True) for turn in together]
    assert dealt[: len(alone)] == alone
    assert dealt[len(alone) :] == [None] * (-len(alone) % size)


def test_training_lowers_the_loss(train, lines, tmp_path):
    train(40, plan={"rate": 0.01}, dropout=0.0)
    losses = [record["terms"]["lm/mlm"]["loss"] for record in lines(tmp_path)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.05


def test_idle_heads_stand_still_bit_for_bit_while_the_others_move(train, toy, tmp_path):
    engine = train(10, witness=10)
    assert {tuple(entry["active"]) for entry in engine.seen} == {("a", "mlm", "nsp"), ("b", "mlm", "nsp")}
    for entry in engine.seen:
        assert entry["moved"] == sorted(["encoder", "pooler", *entry["active"]])


def test_the_state_counts_items_tokens_and_labels_of_each_stream(toy, tmp_path):
    mixture, net, state = toy.mixture("every"), toy.network(), State()
    fit(toy.plan(4), mixture, toy.plain_engine(net, mixture), state, StageFolder(tmp_path), Watcher(), StopRequest())
    assert state.items == {"lm": 24, "a": 32, "b": 20}
    assert (state.labels["a/a"], state.labels["lm/nsp"]) == (32, 24)
    streams = {stream.name: stream for stream in mixture.streams}
    for name, drawn in state.items.items():
        source, key = streams[name].source, streams[name].key
        assert state.tokens[name] == source.lengths(np.arange(drawn), key).sum()


def test_steps_are_logged_at_the_first_at_every_nth_and_at_the_last(train, lines, tmp_path):
    watcher = Watcher()
    train(11, plan={"log_every": 4}, watcher=watcher)
    assert [record["step"] for record in lines(tmp_path)] == [1, 4, 8, 11]
    assert [record["step"] for record in watcher.steps] == [1, 4, 8, 11]


def test_evaluation_comes_every_nth_step_and_at_the_end(train, lines, tmp_path):
    watcher = Watcher()
    train(7, plan={"evaluate_every": 3}, evaluate=scripted(0.1, 0.2, 0.3), watcher=watcher)
    assert [record["step"] for record in watcher.evaluations] == [3, 6, 7]
    evaluations = [record for record in lines(tmp_path) if record["kind"] == "evaluation"]
    assert [record["scores"]["a"]["accuracy"] for record in evaluations] == [0.1, 0.2, 0.3]


def test_patience_ends_the_stage_saved_after_so_many_evaluations_without_gain(train, tmp_path):
    train(50, plan={"evaluate_every": 2, "patience": 2}, evaluate=scripted(0.3, 0.5, 0.4, 0.5))
    assert StageFolder(tmp_path).saved_steps() == [8]


def test_a_weight_snapshot_is_kept_of_the_best_step_and_of_no_other(train, tmp_path):
    train(8, plan={"evaluate_every": 2, "save_every": 2}, evaluate=scripted(0.3, 0.6, 0.4, 0.5))
    folder = StageFolder(tmp_path)
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == [folder.snapshot(4).name]


class Exploding:
    """A task whose loss is `value` from the step on at which `after` steps have been taken."""

    def __init__(self, inner, after, value):
        self.inner, self.left, self.value = inner, after, value
        self.name, self.head, self.edits, self.shapes = inner.name, inner.head, inner.edits, inner.shapes
        self.growth, self.guide, self.autoregressive = inner.growth, inner.guide, inner.autoregressive

    def apply(self, sequences, key):
        return self.inner.apply(sequences, key)

    def term(self, logits_MC, labels_M, groups_G1=None):
        term = self.inner.term(logits_MC, labels_M, groups_G1)
        self.left -= 1
        return term if self.left >= 0 else type(term)(self.value(term.sum), term.count)


def explode(toy, tmp_path, value):
    mixture, net = toy.mixture("every"), toy.network()
    streams = list(mixture.streams)
    a = streams[1]
    streams[1] = type(a)(a.name, a.source, (Exploding(a.objectives[0], 5, value),), a.items, None, True, a.key)
    mixture = Mixture(streams, "every", streams[0].key)
    plan = toy.plan(9, save_every=3, budget=10_000)
    fit(plan, mixture, toy.plain_engine(net, mixture), State(), StageFolder(tmp_path), Watcher(), StopRequest())


def test_a_loss_that_is_not_finite_ends_the_run_naming_stage_step_and_question_and_the_last_good_checkpoint(
    toy, tmp_path
):
    with pytest.raises(RunError, match=r"stage toy, step 6: the loss of a/a is not finite; .* checkpoint is step 3"):
        explode(toy, tmp_path, lambda total: total * float("nan"))
    assert StageFolder(tmp_path).saved_steps() == [3]


def test_a_gradient_that_is_not_finite_ends_the_run_before_anything_is_saved(toy, tmp_path):
    """√x at 0: a finite loss whose gradient is not."""
    with pytest.raises(RunError, match=r"stage toy, step 6: the gradient is not finite; .* checkpoint is step 3"):
        explode(toy, tmp_path, lambda total: torch.sqrt(total * 0.0))
    assert StageFolder(tmp_path).saved_steps() == [3]


def test_a_stop_asked_for_during_a_step_finishes_and_saves_it(toy, tmp_path):
    stop = StopRequest()

    class Asks(Watcher):
        def step(self, record):
            if record["step"] == 4:
                stop.name = "SIGTERM"

    with pytest.raises(Stopped, match="stopped by SIGTERM after step 4"):
        toy.train(tmp_path, toy.plan(9), stop=stop, watcher=Asks())
    assert StageFolder(tmp_path).saved_steps() == [4]


def test_a_stop_before_the_first_step_saves_nothing(toy, tmp_path):
    stop = StopRequest()
    stop.name = "SIGINT"
    with pytest.raises(Stopped, match="after step 0"):
        toy.train(tmp_path, toy.plan(9), stop=stop)
    assert StageFolder(tmp_path).saved_steps() == []


class SecondRank(World):
    """A second rank whose first is always faster: what it saves is there before this one looks.

    The other rank's sums are made up: nothing counted, and no stop asked for.
    """

    def sum(self, values):
        return values

    def wait(self):
        self.meetings.append("here")


def test_a_rank_meets_the_others_at_every_save_even_if_the_first_has_already_written_it(toy, tmp_path, monkeypatch):
    """Looked up on the disk, "is it saved?" has another answer on a slower rank, which then misses the barrier."""
    monkeypatch.setattr("training.engine._sum_over_ranks", lambda gradients: None)
    world = SecondRank(1, 2, torch.device("cpu"))
    object.__setattr__(world, "meetings", [])
    for step in (2, 4):
        StageFolder(tmp_path).checkpoint(step).mkdir(parents=True)
    toy.train(tmp_path, toy.plan(4, save_every=2), world=world)
    assert world.meetings == ["here", "here"]
    assert not (tmp_path / "metrics.jsonl").exists()
