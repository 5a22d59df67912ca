"""The one family of errors that are the user's to mend.

Everything else that escapes is a fault of ours. A message says what is wrong, where, what was given, what is
allowed and what to do next; the command line prints it without a traceback.
"""

import difflib
from collections.abc import Iterable


class TriptychError(Exception):
    """A mistake that the user can mend; the message is complete in itself."""


class RecipeError(TriptychError):
    """The recipe, or a setting given on the command line, is wrong."""


class DataError(TriptychError):
    """A corpus, a task's file or a tokenizer is missing or malformed."""


class CheckpointError(TriptychError):
    """A saved model or training state is cut short, damaged, or of another shape."""


class RunError(TriptychError):
    """A run cannot go on as asked: another recipe's folder, a second process, a full disk, a non-finite loss."""


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """A clause such as `. Did you mean 'sampler'?`, or nothing when no allowed word is near."""
    near = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return f". Did you mean '{near[0]}'?" if near else ""
