"""A corpus read plainly, shard after shard: the oracle of what reads it fast."""

import numpy as np

from tokenization.corpus import Corpus


def span(corpus: Corpus, document: int) -> tuple[int, int]:
    """The global tokens start, stop of a document."""
    lengths: list[int] = []
    for number in range(len(corpus.manifest.shards)):
        shard = corpus.shard(number)
        sentences = np.split(shard.lengths_S.astype(np.int64), np.cumsum(shard.counts_D)[:-1])
        lengths += [int(part.sum()) for part in sentences] if len(shard.counts_D) else []
    return sum(lengths[:document]), sum(lengths[: document + 1])


def numbers(corpus: Corpus, held_out: bool) -> np.ndarray:
    """The numbers of the documents that are held out, or of those that are not."""
    return np.flatnonzero(corpus.is_held_out_D == held_out)


def continues(corpus: Corpus, start: int, stop: int) -> np.ndarray:
    """Whether each of the tokens start … stop - 1 continues the word of the token before."""
    shards = [corpus.shard(number) for number in range(len(corpus.manifest.shards))]
    bits = [
        np.unpackbits(shard.words, count=len(shard.ids), bitorder="little")
        for shard in shards
        if shard.words is not None
    ]
    return np.concatenate(bits).astype(np.bool_)[start:stop]
