"""The one training loop. It tells an optimizer step in chronological order; whatever varies comes in as an argument."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tokenization.errors import RunError
from training.address import key_of
from training.batching import StepDraw, draw_step, flat_batch
from training.checkpoint import StageFolder, save_checkpoint, save_snapshot
from training.engine import Engine, MicroBatch
from training.interrupt import StopRequest
from training.metrics_log import MetricsLog
from training.mixture import Mixture
from training.objective import Objective, perplexity
from training.rates import LayerRates
from training.schedules import RateSchedule
from training.state import State


@dataclass(frozen=True)
class StagePlan:
    """The numbers of a stage.

    Attributes:
        steps: optimizer steps in all.
        rate: peak learning rate.
        budget: tokens of a micro-batch at most.
        evaluate_every: steps between evaluations; None evaluates at the end alone.
        patience: evaluations without a better joint score after which the stage ends; None never.
        save_every, keep, log_every: checkpoints and log lines, in steps.
        layers: what each parameter group moves at; None: all at the stage's rate.
    """

    stage: str
    seed: int
    steps: int
    rate: float
    schedule: RateSchedule
    budget: int
    evaluate_every: int | None = None
    patience: int | None = None
    save_every: int = 200
    keep: int = 2
    log_every: int = 10
    layers: LayerRates | None = None


@dataclass(frozen=True)
class Evaluation:
    """Dev scores: per task all metrics, per task the primary one, and their mean."""

    scores: Mapping[str, Mapping[str, float]]
    primary: Mapping[str, float]
    joint: float | None


class Watcher(Protocol):
    """Whoever shows the run while it goes."""

    def step(self, record: dict[str, Any]) -> None: ...
    def evaluation(self, record: dict[str, Any]) -> None: ...


class Stopped(Exception):
    """The stage was asked to stop; everything is saved up to `step`."""

    def __init__(self, step: int, signal: str) -> None:
        super().__init__(f"stopped by {signal} after step {step}")
        self.step, self.signal = step, signal


def fit(
    plan: StagePlan,
    mixture: Mixture,
    engine: Engine,
    state: State,
    folder: StageFolder,
    watcher: Watcher,
    stop: StopRequest,
    evaluate: Callable[[], Evaluation] | None = None,
) -> State:
    """Train from `state.step` to the plan's last step, or to an early stop.

    Raises:
        Stopped: a signal asked for it; the step was finished and saved.
        RunError: a loss or the gradient is not finite; the last good checkpoint stands.
    """
    metrics = MetricsLog(folder.metrics, state.step, quiet=not engine.world.chief)
    saved = state.step  # remembered, not looked up: a slower rank would find what the first has just written
    while state.step < plan.steps and not state.stopped:
        begun = time.perf_counter()

        # Draw the step, whole: its micro-batches are the same for any number of ranks.
        draw = draw_step(mixture, state.step, plan.budget)
        rounds = _own_rounds(draw, mixture, plan, state.step, engine)

        # Count, once over all ranks; a stop asked for anywhere is seen by all here.
        counts_K, stopping = _count(rounds, mixture, engine, stop)
        if stopping:
            if state.step != saved:
                save_checkpoint(folder, engine, state, plan.keep)
            raise Stopped(state.step, stop.name or "a signal to another rank")
        weights = mixture.weights(state.step, plan.steps)
        coefficients = [w / c if c else 0.0 for w, c in zip(weights, counts_K, strict=True)]

        # Forward and backward.
        sums_K = engine.world.sum(engine.accumulate(rounds, coefficients))
        _refuse_non_finite(plan, mixture, state.step, sums_K, folder)

        # Step.
        active = frozenset(q.objective.head for q, c in zip(mixture.questions, counts_K, strict=True) if c)
        rate = plan.rate * plan.schedule.factor(state.step, plan.steps)
        factors = plan.layers.factors(state.step) if plan.layers else None
        norm = engine.step(rate, active, factors)
        if not math.isfinite(norm):
            raise _not_finite(plan, state.step, "gradient", folder)
        _advance(state, mixture, counts_K, draw)

        # Log.
        if state.step % plan.log_every == 0 or state.step in (1, plan.steps):
            record = _record(state, mixture, weights, counts_K, sums_K, draw, rate, norm)
            record["clock"] = _clock(begun)
            metrics.write(record)
            watcher.step(record)

        # Evaluate.
        if evaluate is not None and _due(state.step, plan.evaluate_every, plan.steps):
            _evaluate(plan, engine, state, folder, metrics, watcher, evaluate)

        # Save.
        if _due(state.step, plan.save_every, plan.steps) or state.stopped:
            save_checkpoint(folder, engine, state, plan.keep)
            saved = state.step
    return state


def _own_rounds(
    draw: StepDraw, mixture: Mixture, plan: StagePlan, step: int, engine: Engine
) -> list[MicroBatch | None]:
    """This rank's micro-batches r, r + W, …; None pads the last round."""

    def round_of(m: int) -> MicroBatch | None:
        if m >= len(draw.parts):
            return None
        seed = int(key_of(plan.seed, plan.stage, "dropout", step, m) >> np.uint64(1))
        return MicroBatch(flat_batch(mixture, draw.parts[m]), seed)

    world = engine.world
    rounds = -(-len(draw.parts) // world.size)
    return [round_of(world.rank + turn * world.size) for turn in range(rounds)]


def _count(
    rounds: Sequence[MicroBatch | None], mixture: Mixture, engine: Engine, stop: StopRequest
) -> tuple[NDArray[np.float64], bool]:
    """Labels C_k of each question over all ranks, and whether anyone wants to stop."""
    counts_K = np.zeros(len(mixture.questions))
    for turn in rounds:
        if turn is not None:
            counts_K += [selection.count for selection in turn.batch.selections]
    total = engine.world.sum(np.concatenate([counts_K, [float(bool(stop))]]))
    return total[:-1], bool(total[-1])


def _refuse_non_finite(
    plan: StagePlan, mixture: Mixture, step: int, sums_K: NDArray[np.float64], folder: StageFolder
) -> None:
    bad = [q.name for q, value in zip(mixture.questions, sums_K, strict=True) if not math.isfinite(value)]
    if bad:
        raise _not_finite(plan, step, f"loss of {', '.join(bad)}", folder)


def _not_finite(plan: StagePlan, step: int, what: str, folder: StageFolder) -> RunError:
    saved = folder.saved_steps()
    good = f"the last good checkpoint is step {saved[-1]}" if saved else "no checkpoint was saved yet"
    return RunError(
        f"stage {plan.stage}, step {step + 1}: the {what} is not finite; {good}. "
        f"`triptych show RECIPE --stage {plan.stage} --step {step + 1}` prints the step's sequences; "
        "a lower rate, a longer warm-up or precision: fp32 are the usual remedies."
    )


def _advance(state: State, mixture: Mixture, counts_K: NDArray[np.float64], draw: StepDraw) -> None:
    for question, count in zip(mixture.questions, counts_K, strict=True):
        state.labels[question.name] = state.labels.get(question.name, 0) + int(count)
    drawn = mixture.draws(state.step)
    for stream, draws_K, tokens in zip(mixture.streams, drawn, draw.tokens_S, strict=True):
        state.items[stream.name] = state.items.get(stream.name, 0) + len(draws_K)
        state.tokens[stream.name] = state.tokens.get(stream.name, 0) + int(tokens)
        state.steps[stream.name] = state.steps.get(stream.name, 0) + bool(len(draws_K))
    state.step += 1


def _record(
    state: State,
    mixture: Mixture,
    weights: Sequence[float],
    counts_K: NDArray[np.float64],
    sums_K: NDArray[np.float64],
    draw: StepDraw,
    rate: float,
    norm: float,
) -> dict[str, Any]:
    terms = {
        question.name: _term(question.objective, float(total / count), int(count), weight)
        for question, weight, count, total in zip(mixture.questions, weights, counts_K, sums_K, strict=True)
        if count
    }
    return {
        "kind": "step",
        "step": state.step,
        "loss": sum(term["loss"] * term["weight"] for term in terms.values()),
        "terms": terms,
        "tokens": int(draw.tokens_S.sum()),
        "rate": rate,
        "grad_norm": norm,
    }


def _term(objective: Objective, loss: float, count: int, weight: float) -> dict[str, Any]:
    told = {"perplexity": perplexity(loss)} if objective.autoregressive else {}
    return {"loss": loss, "count": count, "weight": weight, **told}


def _clock(begun: float) -> dict[str, float]:
    return {"time": time.time(), "seconds": time.perf_counter() - begun}


def _due(step: int, every: int | None, steps: int) -> bool:
    return step == steps or (every is not None and step % every == 0)


def _evaluate(
    plan: StagePlan,
    engine: Engine,
    state: State,
    folder: StageFolder,
    metrics: MetricsLog,
    watcher: Watcher,
    evaluate: Callable[[], Evaluation],
) -> None:
    begun = time.perf_counter()
    found = evaluate()
    if state.record(found.primary, found.joint):
        save_snapshot(folder, engine, state.step)
    state.stopped = plan.patience is not None and state.without_gain >= plan.patience
    record: dict[str, Any] = {"kind": "evaluation", "step": state.step, "joint": found.joint}
    record["scores"] = {name: dict(scores) for name, scores in found.scores.items()}
    record["clock"] = _clock(begun)
    metrics.write(record)
    watcher.evaluation(record)
