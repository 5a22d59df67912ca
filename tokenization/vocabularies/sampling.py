"""A fixed random share of the documents, where a vocabulary's trainer could not hold the counts of all of them.

Word pieces are counted by word, and a language has far fewer words than text. Byte pairs and Unigram pieces are counted
by what stands between two spaces, which in Chinese is a clause that hardly ever comes again: there, the counts grow
with the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tokenization.held_out import below_share, content_hash

_RUN = re.compile(r"\S{20,}")
# Characters of such runs at most, for about 4 GB: measured on zhwiki, bpe takes 215 bytes for one, unigram 500.
_RUNS = {"bpe": 20_000_000, "unigram": 8_000_000}


@dataclass(frozen=True)
class SampledTexts:
    """A share of some texts, chosen by content: on any machine the same, and not the held-out share's choice."""

    texts: Iterable[str]
    share: float

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            if self.share >= 1 or below_share(content_hash(f"vocabulary\x1f{text}"), self.share):
                yield text


def sampled(texts: Iterable[str], kind: str, characters: int) -> SampledTexts:
    """All of the texts, or the share that has about so many characters and that the kind's trainer can hold."""
    total = runs = 0
    for text in texts:
        total += len(text)
        runs += sum(map(len, _RUN.findall(text))) if kind in _RUNS else 0
    return SampledTexts(texts, min(1.0, characters / max(1, total), _RUNS.get(kind, 0) / runs if runs else 1.0))
