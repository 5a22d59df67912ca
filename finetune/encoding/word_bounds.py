"""Which tokens of a task's encoded examples continue a word, for masking whole words of a task's text.

Letters: T tokens, U tokens of the distinct texts end to end, P distinct texts.
"""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.assemble import assemble, texts_of
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from tokenization.unspaced import has_han
from tokenization.vocabulary import Tokenizer
from tokenization.words.boundaries import segmented_flat
from tokenization.words.continuation import continues_vocabulary

Bools = NDArray[np.bool_]

_SEGMENTER = "jieba"


def continues_words(spec: TaskSpec, examples: Sequence[Example], tokenizer: Tokenizer, length: int) -> Bools:
    """Bool [T], token for token as `encode_examples` lays them out with the same arguments.

    A tagging task's words are its own. Text with Han characters is cut by jieba; else the vocabulary's marks tell.
    """
    texts = texts_of(spec, examples)
    if spec.kind == "tagging":
        parts = [np.diff(words, prepend=-1) == 0 for _, words in tokenizer.encode_words(texts.words)]
    else:
        parts = _of_texts(list(texts.texts), tokenizer)
    lengths_P = np.array([len(part) for part in parts], dtype=np.int64)
    continues_U = np.concatenate([np.zeros(0, dtype=np.bool_), *parts])
    assembled = assemble(spec, texts, lengths_P, length)
    continues_T = assembled.lay(continues_U, False, False)
    is_special_T = assembled.lay(np.zeros_like(continues_U), True, True)
    continues_T[1:] &= ~is_special_T[:-1]  # a window may begin within a word
    return continues_T


def segmenter_version() -> str:
    """What cuts text with Han characters here; another release may cut it otherwise."""
    return f"{_SEGMENTER} {version(_SEGMENTER)}"


def _of_texts(texts: list[str], tokenizer: Tokenizer) -> list[Bools]:
    """Each text by its own characters, whatever the other rows hold."""
    cut = iter(_segmented([text for text in texts if has_han(text)], tokenizer))
    marked = iter(_marked([text for text in texts if not has_han(text)], tokenizer))
    return [next(cut if has_han(text) else marked) for text in texts]


def _segmented(texts: list[str], tokenizer: Tokenizer) -> list[Bools]:
    if not texts:
        return []  # the segmenter's dictionary takes a second to load
    _, lengths_N, continues_T = segmented_flat(tokenizer, _SEGMENTER, texts)
    return np.split(continues_T, np.cumsum(lengths_N)[:-1])


def _marked(texts: list[str], tokenizer: Tokenizer) -> list[Bools]:
    ids_T, lengths_N = tokenizer.encode_flat(texts)
    continues_T = continues_vocabulary(tokenizer)[ids_T]
    continues_T[(np.cumsum(lengths_N) - lengths_N)[lengths_N > 0]] = False
    return np.split(continues_T, np.cumsum(lengths_N)[:-1])
