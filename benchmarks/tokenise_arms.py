"""The arms of the tokenising benchmark: documents to ids, ours and `datasets.map`, and text to shards on disk.

Block b of B works on documents b, b + B, b + 2 B …, so that all blocks together are the corpus, each document once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from transformers import BertTokenizer, PreTrainedTokenizerBase

from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.vocabulary import Tokenizer

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """A corpus cut into blocks, and the vocabulary that goes with it.

    Attributes:
        name: as the tables call it.
        corpus, vocabulary: below the data folder.
        lowercase, language: of the vocabulary and of the text.
        bar: how many times as fast as the peer.
    """

    name: str
    corpus: Path
    vocabulary: Path
    lowercase: bool
    language: str
    bar: float

    def blocks(self, data: Path, count: int, documents: int | None) -> list[list[str]]:
        """The documents of each block; of the first `documents` only, if given."""
        texts = pq.read_table(data / self.corpus, columns=["text"])["text"].to_pylist()[:documents]
        return [texts[block::count] for block in range(count)]

    def tokenizer(self, data: Path) -> Tokenizer:
        return Tokenizer.load(data / self.vocabulary, self.lowercase)


@dataclass(frozen=True)
class MapFlags:
    """How the peer is called: the tokenizer as `datasets` users call it, or its backend's fastest batch call."""

    call: str
    batch: int

    @property
    def name(self) -> str:
        return f"datasets.map, {self.call}, batches of {self.batch}"


CANDIDATES = tuple(MapFlags(call, batch) for call in ("tokenizer", "encode_batch_fast") for batch in (100, 1000))


@dataclass
class OursArm:
    """`Tokenizer.encode_flat` on each block's documents; its cache is empty before the first, as in a worker."""

    blocks: Sequence[Sequence[str]]
    tokenizer: Tokenizer
    turn: int = 0
    found: tuple[I64, I64] | None = None
    name: str = "ours, text to ids"

    def run_block(self) -> float:
        turn, self.turn = self.turn, self.turn + 1
        self.found = self.tokenizer.encode_flat(self.blocks[turn])
        return megabytes(self.blocks[turn])


@dataclass
class MapArm:
    """`datasets.map` of a fast tokenizer, one process, its ids kept in memory and nothing else made."""

    blocks: list[datasets.Dataset]
    sizes: list[float]
    tokenizer: PreTrainedTokenizerBase
    flags: MapFlags
    turn: int = 0
    found: tuple[I64, I64] | None = None

    @property
    def name(self) -> str:
        return self.flags.name

    @property
    def arguments(self) -> dict[str, Any]:
        """Of `Dataset.map`."""
        return {
            "batched": True, "batch_size": self.flags.batch, "num_proc": None, "remove_columns": ["text"],
            "keep_in_memory": True, "load_from_cache_file": False,
        }  # fmt: skip

    @property
    def call_arguments(self) -> dict[str, Any]:
        """Of the tokenizer."""
        if self.flags.call == "encode_batch_fast":
            return {"add_special_tokens": False}
        return {
            "add_special_tokens": False, "return_attention_mask": False, "return_token_type_ids": False,
            "truncation": False, "padding": False, "verbose": False,
        }  # fmt: skip

    def run_block(self) -> float:
        turn, self.turn = self.turn, self.turn + 1
        done = self.blocks[turn].map(self._function(), new_fingerprint=f"{self.flags.call}{turn}", **self.arguments)
        column = done.data.column("input_ids").combine_chunks()
        lists = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        self.found = lists.flatten().to_numpy(zero_copy_only=False), np.diff(lists.offsets.to_numpy())
        return self.sizes[turn]

    def _function(self) -> Callable[[dict[str, list[str]]], dict[str, Any]]:
        given = self.call_arguments
        if self.flags.call == "tokenizer":
            tokenizer = self.tokenizer
            return lambda rows: {"input_ids": tokenizer(rows["text"], **given)["input_ids"]}
        backend = self.tokenizer.backend_tokenizer
        return lambda rows: {"input_ids": [one.ids for one in backend.encode_batch_fast(rows["text"], **given)]}


def map_arm(text: Text, data: Path, blocks: Sequence[Sequence[str]], flags: MapFlags) -> MapArm:
    """The peer. A special token written in a document is text for it too, or the ids could not be equal."""
    tokenizer = BertTokenizer(str(data / text.vocabulary), do_lower_case=text.lowercase, split_special_tokens=True)
    rows = [datasets.Dataset.from_dict({"text": list(block)}) for block in blocks]
    return MapArm(rows, [megabytes(block) for block in blocks], tokenizer, flags)


@dataclass
class ShardsArm:
    """The whole way: parquet read, documents cut into sentences, sentences into ids, shards with checksums on disk."""

    blocks: Sequence[Sequence[str]]
    text: Text
    tokenizer: Tokenizer
    folder: Path
    turn: int = 0
    tokens: int = 0
    bytes: int = 0
    name: str = "ours, text to shards"

    def __post_init__(self) -> None:
        for block, texts in enumerate(self.blocks):
            pq.write_table(pa.table({"text": list(texts)}), self.folder / f"{block}.parquet")

    def run_block(self) -> float:
        turn, self.turn = self.turn, self.turn + 1
        spec = CorpusSpec(f"block-{turn}", (self.folder / f"{turn}.parquet",), language=self.text.language)
        corpus = open_or_build_corpus(spec, self.tokenizer, self.folder / f"store-{turn}")
        self.tokens += corpus.manifest.counts.tokens
        stored = (self.folder / f"store-{turn}" / "corpora").rglob("*")
        self.bytes += sum(file.stat().st_size for file in stored if file.is_file())
        return megabytes(self.blocks[turn])


def megabytes(texts: Sequence[str]) -> float:
    """Millions of bytes of UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def differing_documents(ours: tuple[I64, I64], theirs: tuple[I64, I64]) -> int:
    """How many documents have not the same ids."""
    if not np.array_equal(ours[1], theirs[1]):
        return int((ours[1] != theirs[1]).sum())
    unequal_T = ours[0] != theirs[0]
    return len(np.unique(np.repeat(np.arange(len(ours[1])), ours[1])[unequal_T]))
