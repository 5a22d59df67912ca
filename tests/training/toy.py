"""A toy stage, small enough to train in a second: synthetic sources, a small network, one call to `fit`.

It is also the program that each rank runs in the tests of processes: `python toy.py JOBS`, a JSON list of `Job`s that
are done one after the other.

Shape letters: K draws, M rows, N sequences, T tokens, C classes.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.config import EncoderConfig, HeadSpec
from model.network import Network
from pretrain.masked_lm import MaskedLM
from pretrain.next_sentence import NextSentence
from training.address import Key, below, epoch_draws, key_of
from training.batching import empty_batch
from training.checkpoint import StageFolder, load_into, load_moments, load_state, load_weights
from training.distributed import World, join_world, leave_world
from training.engine import Engine, PlainEngine
from training.interrupt import StopRequest, stop_on_signals
from training.loop import StagePlan, Stopped, fit
from training.mixture import Mixture, Sampling, Stream
from training.objective import Rows, Single, Term, summed_cross_entropy
from training.optimizer import AdamW
from training.rates import LayerRates, gradual, scales_of
from training.schedules import RateSchedule, WeightSchedule
from training.sequences import I64, Sequences, Shape
from training.state import State
from training.zero import ZeroEngine

VOCABULARY = 60
FIRST_ORDINARY = 5
FADING = WeightSchedule("exponential", 0.9, 0.3)
ALONE = World(0, 1, torch.device("cpu"))


class Items:
    """`size` items, item i of `low` … `high` - 1 fixed tokens; its label is its number's parity."""

    def __init__(self, size: int, low: int, high: int, shape: Shape = "pair") -> None:
        self.size, self.low, self.high = size, low, high
        self.shape = shape
        self.mean_length, self.longest, self.fingerprint = (low + high - 1) / 2, high - 1, "toy"

    def lengths(self, draws_K: I64, key: Key) -> I64:
        return self._length(epoch_draws(draws_K, self.size, key))

    def draw(self, draws_K: I64, key: Key) -> Sequences:
        items_K = epoch_draws(draws_K, self.size, key)
        lengths_K = self._length(items_K)
        tokens_T = np.concatenate([self.tokens(item) for item in items_K])
        offsets_N1 = np.concatenate([[0], np.cumsum(lengths_K)])
        maskable_T = np.ones(len(tokens_T), dtype=np.bool_)
        maskable_T[offsets_N1[:-1]] = False
        return Sequences(tokens_T, np.zeros_like(tokens_T), maskable_T, offsets_N1, draws_K, labels_N=items_K % 2)

    def tokens(self, item: int) -> I64:
        """The tokens of an item; the first one stands for [CLS]."""
        length = int(self._length(np.array([item]))[0])
        body = FIRST_ORDINARY + below(key_of("toy tokens"), VOCABULARY - FIRST_ORDINARY, item, np.arange(length - 1))
        return np.concatenate([[2], body])

    def _length(self, items_K: I64) -> I64:
        return self.low + below(key_of("toy lengths"), self.high - self.low, items_K)


class Parity(Single):
    """A class per item, read off its first row by the head `name`."""

    edits = False
    shapes: tuple[Shape, ...] = ("pair", "sentence")

    def __init__(self, name: str) -> None:
        self.name = self.head = name

    def apply(self, sequences: Sequences, key: Key) -> tuple[Sequences, Rows]:
        return sequences, Rows(sequences.offsets_N1[:-1], sequences.labels_N)

    def term(self, logits_MC: torch.Tensor, labels_M: torch.Tensor, groups_G1: torch.Tensor | None = None) -> Term:
        return summed_cross_entropy(logits_MC, labels_M)


class Silence:
    """A watcher that looks away."""

    def step(self, record: dict[str, Any]) -> None: ...

    def evaluation(self, record: dict[str, Any]) -> None: ...


def masked_lm() -> MaskedLM:
    return MaskedLM(4, np.arange(FIRST_ORDINARY, VOCABULARY))


def mixture(sampling: Sampling = "alternate") -> Mixture:
    """An auxiliary stream of MLM and NSP beside two labelled tasks of unequal size."""
    streams = [
        Stream("lm", Items(50, 8, 24), (masked_lm(), NextSentence()), 6, FADING, False, key_of(1, "toy", "lm")),
        Stream("a", Items(30, 5, 12), (Parity("a"),), 8, None, True, key_of(1, "toy", "a")),
        Stream("b", Items(20, 5, 12), (Parity("b"),), 5, None, True, key_of(1, "toy", "b")),
    ]
    return Mixture(streams, sampling, key_of(1, "toy", "mixture"))


def network(dropout: float = 0.1) -> Network:
    config = EncoderConfig(VOCABULARY, layers=2, hidden=16, heads=2, feed_forward=32, positions=32, dropout=dropout)
    pairs = [HeadSpec("nsp", "pair", 2), HeadSpec("a", "classification", 2), HeadSpec("b", "classification", 2)]
    return Network(config, [HeadSpec("mlm", "mlm", VOCABULARY), *pairs], seed=1)


def plan(steps: int, **settings: Any) -> StagePlan:
    given = {"rate": 1e-2, "schedule": RateSchedule(), "budget": 60, "save_every": 1000, "log_every": 1, **settings}
    return StagePlan("toy", 1, steps, **given)


def plain_engine(
    net: Network, mix: Mixture, world: World = ALONE, settings: AdamW | None = None, by_layer: bool = False
) -> PlainEngine:
    objectives = [question.objective for question in mix.questions]
    settings = settings or AdamW(1e-2, weight_decay=0.1)
    return PlainEngine(net, net.groups(by_layer), objectives, settings, world, bf16=False)


def zero_engine(net: Network, mix: Mixture, world: World, stage: int, by_layer: bool = False) -> ZeroEngine:
    objectives = [question.objective for question in mix.questions]
    json_config = {"zero_optimization": {"stage": stage}}
    settings = AdamW(1e-2, weight_decay=0.1)
    return ZeroEngine(net, net.groups(by_layer), objectives, settings, world, False, empty_batch(mix), json_config)


def layer_rates(every: int) -> LayerRates:
    """Discriminative rates and gradual unfreezing of the toy network."""
    depths = {group.name: group.depth for group in network().groups(by_layer=True)}
    return LayerRates(scales_of(depths, 2.6), gradual(depths, every))


def train(
    root: Path,
    plan: StagePlan,
    *,
    kind: str = "plain",
    world: World = ALONE,
    origin: Path | None = None,
    resume: int | None = None,
    dropout: float = 0.1,
    witness: int = 0,
    **fitting: Any,
) -> Engine:
    """Fit the toy network under an engine (`plain`, `zero0` … `zero3`) in the folder `root`.

    Args:
        resume: the step of the checkpoint to go on from.
        origin: the folder of that checkpoint, where it is not `root`.
        witness: for how many steps to note which heads, or with rates by layer which groups, moved: `witness.json`.
        fitting: `stop`, `evaluate` or `watcher` for `fit`.
    """
    source, mix, net, state = StageFolder(origin or root), mixture(), network(dropout), State()
    if resume is not None:
        state = load_state(source, resume)
        weights = source.checkpoint(resume) / "weights.safetensors"
        load_into(net, load_weights(weights), weights)
    by_layer = plan.layers is not None
    group_of = {name: group.name for group in net.groups(by_layer) for name, _ in group.parameters}
    engine: Any = (
        plain_engine(net, mix, world, by_layer=by_layer)
        if kind == "plain"
        else zero_engine(net, mix, world, int(kind[-1]), by_layer)
    )
    if resume is not None:
        engine.load_moments(load_moments(source, resume), resume)
    if witness:
        engine = Witness(engine, witness, group_of.__getitem__ if by_layer else _part)
    fit(plan, mix, engine, state, StageFolder(root), **{"watcher": Silence(), "stop": StopRequest(), **fitting})
    if witness and world.chief:
        (root / "witness.json").write_text(json.dumps(engine.seen))
    return engine


class Witness:
    """An engine that notes, for its first `steps` steps, which heads were active and which parts' weights moved."""

    def __init__(self, engine: Engine, steps: int, part_of: Callable[[str], str]) -> None:
        self._engine, self._left, self._part_of = engine, steps, part_of
        self.seen: list[dict[str, list[str]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def step(self, rate: float, active: frozenset[str], factors: Mapping[str, float] | None = None) -> float:
        before = {name: value.clone() for name, value in self._engine.weights()} if self._left else {}
        norm = self._engine.step(rate, active, factors)
        if self._left:
            self._left -= 1
            after = self._engine.weights()
            moved = {self._part_of(name) for name, value in after if not torch.equal(before[name], value)}
            self.seen.append({"active": sorted(active), "moved": sorted(moved)})
        return norm


def _part(name: str) -> str:
    return name.split(".")[1] if name.startswith("heads.") else name.split(".")[0]


@dataclass(frozen=True)
class Job:
    """One training of the toy by all ranks together; fields as in `train`."""

    kind: str
    root: str
    steps: int = 50
    save_every: int = 40
    origin: str | None = None
    resume: int | None = None
    witness: int = 0
    unfreeze_every: int | None = None

    def run(self, world: World, stop: StopRequest) -> None:
        layers = layer_rates(self.unfreeze_every) if self.unfreeze_every else None
        train(
            Path(self.root),
            plan(self.steps, save_every=self.save_every, layers=layers),
            kind=self.kind,
            world=world,
            origin=Path(self.origin) if self.origin else None,
            resume=self.resume,
            witness=self.witness,
            stop=stop,
        )


def main(text: str) -> None:
    """Be one rank, and do the jobs that `text` lists as JSON."""
    torch.set_num_threads(1)
    jobs = [Job(**fields) for fields in json.loads(text)]
    world = join_world(need_group=any(job.kind != "plain" for job in jobs))
    with stop_on_signals() as stop:
        for job in jobs:
            job.run(world, stop)
    leave_world()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Stopped as stopped:
        print(stopped)
        sys.exit(3)
