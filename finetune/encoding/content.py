"""The content of an encoded split: what a stage that trains on it, or is chosen by it, is identified by."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.encoded import Encoded
from tokenization.fingerprint import of_value

_HASHED_AT_ONCE = 1 << 20


def fingerprint_of(encoded: Encoded) -> str:
    """A hash of everything that training and scoring read, whatever the width of its numbers in memory."""
    spec, gold, windows = encoded.spec, encoded.gold, encoded.windows
    digests = [_digest(encoded.tokens_T, np.int64), _digest(encoded.segments_T, np.int64), _digest(encoded.maskable_T)]
    digests += [_digest(encoded.offsets_N1), _digest(encoded.words_E)]
    digests += [_digest(encoded.word_T, np.int64)] if encoded.word_T is not None else []
    if spec.has_items or windows is not None:
        digests += [_digest(encoded.example_N), _digest(encoded.rivals_E)]
    if encoded.asked_T is not None and encoded.wordings is not None:
        per_token = spec.prompt is not None and spec.prompt.per_token
        digests += [_digest(encoded.asked_T), of_value([encoded.wordings.pieces, per_token])]
    if windows is not None:
        digests += [_digest(windows.begins_T), _digest(windows.stops_T)]
        digests += [_digest(windows.answers_N2)] if windows.answers_N2 is not None else []
    if (targets := encoded.targets) is not None:
        digests += [_digest(targets.tokens_U, np.int64), _digest(targets.offsets_E1)]
    answers = None if gold is None else [np.asarray(answer).tolist() for answer in gold]
    return of_value([spec.name, spec.kind, spec.version, spec.labels, spec.range, encoded.ids, digests, answers])


def _digest(values: NDArray[Any], width: type[np.int64] | None = None) -> str:
    """A hash of numbers, taken at a given width, whatever that of the array is."""
    found = hashlib.blake2b(digest_size=16)
    for start in range(0, len(values), _HASHED_AT_ONCE):
        found.update(np.ascontiguousarray(values[start : start + _HASHED_AT_ONCE], dtype=width).data)
    return found.hexdigest()
