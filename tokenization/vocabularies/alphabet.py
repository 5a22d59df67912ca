"""Which characters a vocabulary has room for: the commonest, which cover nearly all of the text."""

from collections import Counter
from collections.abc import Callable, Iterable

from tokenizers import normalizers

_COVERAGE = 0.9999  # all but one character in 10,000


def commonest(counts: Counter[str], room: int, places: Callable[[str], int] = lambda _: 1) -> list[str]:
    """Characters by falling count (ties by code point) until they cover the text or the room is full.

    Args:
        counts: how often each character occurs once the text is normalised.
        room: how many entries they may take.
        places: how many entries a character takes.
    """
    enough = _COVERAGE * sum(counts.values())
    kept: list[str] = []
    taken = covered = 0
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        taken += places(character)
        if covered >= enough or taken > room:
            break
        covered += count
        kept.append(character)
    return kept


def character_counts(texts: Iterable[str]) -> Counter[str]:
    """How often each character stands in the texts, as they are."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(text)
    return seen


def normal_counts(seen: Counter[str], normalizer: normalizers.Normalizer) -> Counter[str]:
    """The counts once the text is normalised, white space left out; normalising goes character by character."""
    normal: Counter[str] = Counter()
    for character, count in seen.items():
        for result in normalizer.normalize_str(character):
            if not result.isspace():
                normal[result] += count
    return normal
