"""Segmenters: what finds the words of text that is written without spaces.

A segmenter cuts a text into pieces whose concatenation is the text, white space in pieces of its own.
"""

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from tokenization.errors import RecipeError, did_you_mean

Segmenter = Callable[[str], list[str]]


@cache
def find_segmenter(name: str) -> Segmenter:
    """The segmenter of that name; its dictionary is read once in a process.

    Raises:
        RecipeError: there is none of that name, or it is not installed, or broken.
    """
    load = _entry(name)[0]
    try:
        with warnings.catch_warnings():
            # jieba's sources hold escapes that newer Pythons warn of, and it may import pkg_resources, which warns.
            warnings.simplefilter("ignore")
            return load()
    except ModuleNotFoundError as error:
        raise _not_installed(name, str(error.name)) from None
    except ImportError as error:  # its native part is damaged, or was built for another machine
        raise RecipeError(
            f"segmenter: {name!r} is installed but cannot be loaded: {error}. Install it again "
            f"(`{_entry(name)[1]} --force-reinstall`), or choose another of {', '.join(SEGMENTERS)}."
        ) from None


def require_installed(name: str) -> None:
    """Ask for a segmenter without loading it.

    Raises:
        RecipeError: there is none of that name, or it is not installed.
    """
    _entry(name)
    if find_spec(name) is None:  # each has the name of its package
        raise _not_installed(name, name)


def _entry(name: str) -> tuple[Callable[[], Segmenter], str]:
    if name not in SEGMENTERS:
        raise RecipeError(f"segmenter: {name!r} is not one of {', '.join(SEGMENTERS)}{did_you_mean(name, SEGMENTERS)}")
    return SEGMENTERS[name]


def _not_installed(name: str, package: str) -> RecipeError:
    return RecipeError(
        f"segmenter: {name!r} needs the package {package}, which is not installed. Run `{_entry(name)[1]}`, "
        f"or choose another of {', '.join(SEGMENTERS)}."
    )


def _jieba() -> Segmenter:
    """jieba with its own dictionary and its hidden Markov model for unknown words; about 0.5 MB/s."""
    import jieba

    found = jieba.Tokenizer()
    # Its usual start unmarshals a file of fixed name from the shared temporary folder, whoever wrote it, and logs.
    found.FREQ, found.total = found.gen_pfdict(found.get_dict_file())
    found.initialized = True
    cut: Segmenter = found.lcut
    return cut


def _rjieba() -> Segmenter:
    """The same rules in Rust; about 25 times as fast, and not equal on every text."""
    import rjieba

    cut: Segmenter = rjieba.Jieba().cut
    return cut


SEGMENTERS: dict[str, tuple[Callable[[], Segmenter], str]] = {
    "jieba": (_jieba, "pip install jieba"),
    "rjieba": (_rjieba, "pip install 'rjieba>=0.2,<0.3'"),
}
