"""Sentence order prediction (Lan et al. 2020, "ALBERT", section 3.1): do the halves of a text stand in their order?

Both halves are of one document, so that the topic, by which random pairs can be told, says nothing. Labels are
`IN_ORDER` and `SWAPPED`.
"""

from dataclasses import dataclass
from typing import ClassVar

from pretrain.next_sentence import NextSentence


@dataclass(frozen=True)
class SentenceOrder(NextSentence):
    """The objective: next sentence prediction's question, of other halves and by a head of its own."""

    name: ClassVar[str] = "sop"
    head: ClassVar[str] = "sop"
