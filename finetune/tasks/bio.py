"""Tags of spans, as files write them, and in BIO, which is what a task learns.

BIO: each span opens with B-. IOB1: B- only where two spans of a type touch. BIOES (also called BILOU or IOBES): the
last word of a span is E-, a span of one word S-. Tjong Kim Sang, Veenstra 1999, "Representing Text Chunks".
"""

from collections.abc import Callable, Sequence

from finetune.tasks.spec import OUTSIDE, Scheme

Tags = tuple[str, ...]


def is_tag(tag: str) -> bool:
    """Whether a tag is O, B-type or I-type."""
    return tag == OUTSIDE or (tag[:2] in ("B-", "I-") and len(tag) > 2)


def as_bio(tags: Sequence[str], scheme: Scheme) -> Tags:
    """Tags of a scheme as BIO; to be called on tags without a `first_break`."""
    return _TO_BIO[scheme](tags)


def first_break(tags: Sequence[str], scheme: Scheme = "bio") -> int | None:
    """The index of the first tag that its scheme does not allow there; None where all is well.

    BIO: an I- that continues nothing. BIOES: also a span that does not end with its E-; the tag told is the one that
    should have gone on, or the last of the sentence. In IOB1 any order is allowed.
    """
    return _BREAKS[scheme](tags)


def _same(tags: Sequence[str]) -> Tags:
    return tuple(tags)


def _from_iob1(tags: Sequence[str]) -> Tags:
    """An I- that opens a span becomes B-."""
    return tuple(
        f"B-{tag[2:]}" if tag.startswith("I-") and tag[2:] != last[2:] else tag
        for last, tag in zip([OUTSIDE, *tags], tags, strict=False)
    )


def _from_bioes(tags: Sequence[str]) -> Tags:
    return tuple({"S-": "B-", "E-": "I-"}.get(tag[:2], tag[:2]) + tag[2:] for tag in tags)


def _no_break(tags: Sequence[str]) -> int | None:
    return None


def _break_of_bio(tags: Sequence[str]) -> int | None:
    for index, (last, tag) in enumerate(zip([OUTSIDE, *tags], tags, strict=False)):
        if tag.startswith("I-") and tag[2:] != last[2:]:
            return index
    return None


def _break_of_bioes(tags: Sequence[str]) -> int | None:
    """Inside a span exactly I- and E- of its type may follow, outside one exactly B-, S- and O."""
    open_type = ""
    for index, tag in enumerate(tags):
        goes_on = tag[:2] in ("I-", "E-")
        if goes_on != bool(open_type) or (goes_on and tag[2:] != open_type):
            return index
        open_type = tag[2:] if tag[:2] in ("B-", "I-") else ""
    return len(tags) - 1 if open_type else None


_TO_BIO: dict[str, Callable[[Sequence[str]], Tags]] = {"bio": _same, "iob1": _from_iob1, "bioes": _from_bioes}
_BREAKS: dict[str, Callable[[Sequence[str]], int | None]] = {
    "bio": _break_of_bio,
    "iob1": _no_break,
    "bioes": _break_of_bioes,
}
