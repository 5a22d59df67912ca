"""Candidates ranked for queries by a Siamese head: theirs are vectors computed once, a query's is computed as it comes.

Reimers, Gurevych 2019, "Sentence-BERT". Each text goes through the encoder alone, in float32, so that its vector is the
same to the last bit whatever is encoded beside it, and stored and live scores are equal.

Shape letters: N candidates, D width, C classes.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.special
import torch
from numpy.typing import NDArray
from torch import Tensor

from finetune.answering.dev_batches import dev_batch
from finetune.encoding.encode import encode_examples
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from model.design import HeadDesign
from model.network import Network
from model.reading import Reading
from model.siamese import SiameseHead, vectors
from pipeline.answer import Model
from pipeline.vector_address import vector_address
from pipeline.vector_shelf import VectorShelf
from tokenization.errors import RecipeError, did_you_mean

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place: its index, from 0, and its score, a probability or a score in the task's range."""

    candidate: int
    score: float


class Ranker:
    """A model's Siamese head of one task.

    Args:
        label: the class whose probability ranks; None: the last one, which of two is the positive one. Of no use for a
            regression.

    Raises:
        RecipeError: the model has no such task, its head is no Siamese one, or it has no such label.
    """

    def __init__(self, model: Model, task: str, label: str | None = None) -> None:
        self._model, self._task = model, task
        self._spec, self._length = model.task(task)
        _refuse(model, task, self._spec, label)
        self._class = self._spec.labels.index(label) if label else -1
        self._alone = replace(self._spec, fields=self._spec.fields[:1], design=HeadDesign(pool="attention"))

    @cached_property
    def address(self) -> str:
        """The content address of everything that a text's vector follows from, but the text."""
        how = {"task": self._task, "length": self._length, "packed": self._model.packed}
        return vector_address(self._model.fingerprint, self._model.reader.world.device.type, how)

    def vectors(self, texts: Sequence[str], store: Path | None = None) -> tuple[Tensor, int]:
        """The vectors of some texts, (N, D) float32, and how many of them were computed.

        Args:
            store: folder in which they are looked up first, and kept.

        Raises:
            CheckpointError: something in the store is damaged.
            RunError: the disk is full.
        """
        shelf = None if store is None else VectorShelf(store / self.address, keep=True)
        known: dict[str, NDArray[np.float32]] = {}
        computed = 0
        with self._network() as network:
            for text in dict.fromkeys(texts):
                found = None if shelf is None else shelf.get(_address(text))
                if found is None:
                    computed += 1
                    found = self._vector(network, text).cpu().numpy()[None]
                    if shelf is not None:
                        shelf.put(_address(text), found)
                known[text] = found[0]
        if shelf is not None:
            shelf.flush()
        rows_ND = np.concatenate([known[text] for text in texts])
        return torch.from_numpy(rows_ND).to(self._model.reader.world.device), computed

    def scores(self, query: str, candidates_ND: Tensor) -> F64:
        """How well each candidate goes with a query, (N,): a class's probability, or a regression's score."""
        with self._network() as network:
            query_ND = self._vector(network, query).expand_as(candidates_ND)
            head = network.heads[self._spec.head_name]
            assert isinstance(head, SiameseHead), "checked when the ranker was made"
            logits_NC = head.answer(query_ND, candidates_ND).double().cpu().numpy()
        if self._spec.kind == "regression":
            low, high = self._spec.score_range
            return low + (high - low) * logits_NC[:, 0]
        return scipy.special.softmax(logits_NC, axis=1)[:, self._class]

    def best(self, query: str, candidates_ND: Tensor, top: int) -> list[Ranked]:
        """The best candidates for a query, best first; of equals the first one given."""
        scores_N = self.scores(query, candidates_ND)
        order = np.argsort(-scores_N, kind="stable")[:top]
        return [Ranked(int(place), float(scores_N[place])) for place in order]

    @contextmanager
    def _network(self) -> Iterator[Network]:
        """The model's network, without gradients or dropout, in float32."""
        kind = self._model.reader.world.device.type
        with self._model.reader.whole() as network, torch.autocast(kind, enabled=False):
            assert isinstance(network, Network)
            yield network

    def _vector(self, network: Network, text: str) -> Tensor:
        """(1, D)."""
        example = Example("0", (text,), (), None)
        encoded = encode_examples(self._alone, "text", [example], self._model.tokenizer, self._length)
        batch = dev_batch(encoded, np.zeros(1, dtype=np.int64)).batch.to(self._model.reader.world.device)
        (selection,) = batch.selections
        assert selection.runs_P1 is not None
        assert selection.sides_M is not None
        rows_MD = network.rows(batch, selection.rows_M)
        return vectors(Reading(rows_MD, selection.runs_P1, selection.sides_M))


def _address(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _refuse(model: Model, task: str, spec: TaskSpec, label: str | None) -> None:
    if spec.design.pool != "siamese":
        able = [name for name, (known, _) in model.tasks.items() if known.design.pool == "siamese"]
        instead = f"tasks with one: {', '.join(able)}" if able else "train one with `head: siamese`"
        raise RecipeError(
            f"{model.folder}: the head of task '{task}' reads both texts together, so that no vector of one can be "
            f"stored; ranking needs a Siamese head: {instead}."
        )
    if label is not None and label not in spec.labels:
        known = f"labels: {', '.join(spec.labels)}{did_you_mean(label, spec.labels)}" if spec.labels else "it has none"
        raise RecipeError(f"--label {label}: task '{task}' has no such label; {known}.")
