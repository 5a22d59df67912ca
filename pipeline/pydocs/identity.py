"""When two texts are the same, and an order that shuffles: pure functions, alike on any machine."""

import hashlib
import re

_WORD = re.compile(r"[^\W\d_]+")


def key(text: str) -> str:
    """What makes two texts the same: their letters. A copy with another version number or other quotes is a copy."""
    return " ".join(_WORD.findall(text.lower()))


def order(*names: str) -> int:
    """A number that shuffles: the same for the same names."""
    digest = hashlib.blake2b("\x1f".join(names).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
