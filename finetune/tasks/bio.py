"""Tags of spans: BIO (each span opens with B-) and IOB1 (B- only where two spans of a type touch).

Tjong Kim Sang, Veenstra 1999, "Representing Text Chunks".
"""

from collections.abc import Sequence

from finetune.tasks.spec import OUTSIDE


def is_tag(tag: str) -> bool:
    """Whether a tag is O, B-type or I-type."""
    return tag == OUTSIDE or (tag[:2] in ("B-", "I-") and len(tag) > 2)


def bio_from_iob1(tags: Sequence[str]) -> tuple[str, ...]:
    """Write IOB1 tags as BIO: an I- that opens a span becomes B-."""
    return tuple(
        f"B-{tag[2:]}" if tag.startswith("I-") and tag[2:] != last[2:] else tag
        for last, tag in zip([OUTSIDE, *tags], tags, strict=False)
    )


def first_break(tags: Sequence[str]) -> int | None:
    """The index of the first I- that continues nothing, which BIO does not allow; None where all is well."""
    for index, (last, tag) in enumerate(zip([OUTSIDE, *tags], tags, strict=False)):
        if tag.startswith("I-") and tag[2:] != last[2:]:
            return index
    return None
