"""The arms of `benchmarks.loader`: batches of the same masked sentence pairs, ours and the peer's.

Shape letters: N sequences, T tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import BertTokenizerFast, DataCollatorForLanguageModeling

from model.batch import IGNORED
from training.batching import draw_step, flat_batch
from training.mixture import Mixture
from training.sequences import I64, Sequences


class OurArm:
    """Steps as the training loop draws them: lengths, packing, sequences from the shards, masks, tensors.

    Attributes:
        masked: share of the tokens of the last block that was masked.
    """

    def __init__(self, name: str, mixture: Mixture, budget: int, steps: int) -> None:
        self.name, self.masked = name, 0.0
        self._mixture, self._budget, self._steps, self._next = mixture, budget, steps, 0

    def run_block(self) -> float:
        tokens = masked = 0
        for step in range(self._next, self._next + self._steps):
            for part in draw_step(self._mixture, step, self._budget).parts:
                batch = flat_batch(self._mixture, part)
                tokens += len(batch.tokens_T)
                masked += batch.selections[0].count
        self._next += self._steps
        self.masked = masked / tokens
        return tokens


@dataclass(frozen=True)
class PeerFlags:
    """What is varied to find the peer's best.

    Attributes:
        rows: how a pair is kept: `lists`, `tensors`, or `arrow` (a `datasets` table in memory).
        padding: `fixed`: pairs are stored padded to the full length; `longest`: the collator pads to a batch's longest.
        batch: pairs of a batch.
    """

    rows: str
    padding: str
    batch: int

    @property
    def name(self) -> str:
        return f"DataCollator {self.rows} {self.padding} {self.batch}"


CANDIDATES = tuple(
    PeerFlags(rows, padding, batch)
    for rows, padding in (("lists", "longest"), ("arrow", "longest"), ("lists", "fixed"), ("tensors", "fixed"))
    for batch in (32, 128, 512)
)


class PeerArm:
    """Prebuilt pairs through a DataLoader with DataCollatorForLanguageModeling, in order, in this process.

    Pairs carry their special_tokens_mask, which spares the collator from finding it; nothing is shuffled.

    Attributes:
        masked: share of the real tokens of the last block that was masked.
    """

    def __init__(self, flags: PeerFlags, pairs: Sequences, length: int, tokenizer: Path, tokens: int) -> None:
        self.name, self.masked = flags.name, 0.0
        self._flags, self._tokens = flags, tokens
        self._lengths_N = pairs.lengths_N
        self._rows = _ROWS[flags.rows](_examples(pairs, length if flags.padding == "fixed" else None))
        self._collate = DataCollatorForLanguageModeling(BertTokenizerFast.from_pretrained(tokenizer))
        self._batches = self._endless()

    @property
    def arguments(self) -> dict[str, Any]:
        """What was given to DataLoader and collator."""
        collator = {"mlm_probability": self._collate.mlm_probability, "return_tensors": self._collate.return_tensors}
        return {"batch_size": self._flags.batch, "num_workers": 0, "shuffle": False, "collator": collator}

    def run_block(self) -> float:
        tokens, labels = 0, []
        while tokens < self._tokens:
            batch, real = next(self._batches)
            tokens += real
            labels.append(batch["labels"])
        self.masked = sum(int((label != IGNORED).sum()) for label in labels) / tokens
        return tokens

    def _endless(self) -> Iterator[tuple[Mapping[str, torch.Tensor], int]]:
        size = self._flags.batch
        real = np.add.reduceat(self._lengths_N, np.arange(0, len(self._lengths_N), size)).tolist()
        while True:
            loader = DataLoader(self._rows, batch_size=size, collate_fn=self._collate)
            yield from zip(loader, real, strict=True)


def _examples(pairs: Sequences, padded: int | None) -> list[dict[str, Any]]:
    """Pairs as `transformers` wants them, padded to a length or not at all."""
    cuts = pairs.offsets_N1[1:-1]
    columns = (pairs.tokens_T, pairs.segments_T, ~pairs.maskable_T)
    assert pairs.labels_N is not None
    return [
        _example(ids, segments, special, int(label), padded or len(ids))
        for ids, segments, special, label in zip(
            *(np.split(column, cuts) for column in columns), pairs.labels_N, strict=True
        )
    ]


def _example(ids: I64, segments: I64, special: Any, label: int, length: int) -> dict[str, Any]:
    room = length - len(ids)
    return {
        "input_ids": np.pad(ids, (0, room)).tolist(),
        "token_type_ids": np.pad(segments, (0, room)).tolist(),
        "attention_mask": [1] * len(ids) + [0] * room,
        "special_tokens_mask": np.pad(special.astype(np.int64), (0, room), constant_values=1).tolist(),
        "next_sentence_label": label,
    }


def _tensors(examples: list[dict[str, Any]]) -> Any:
    return [{name: torch.tensor(value) for name, value in example.items()} for example in examples]


_ROWS: dict[str, Callable[[list[dict[str, Any]]], Sequence[dict[str, Any]]]] = {
    "lists": lambda examples: examples,
    "tensors": _tensors,
    "arrow": datasets.Dataset.from_list,
}
