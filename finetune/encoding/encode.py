"""Examples → flat arrays of ids, each example one sequence, several candidates, or windows of a long text.

Shape letters: T tokens, N sequences, E examples, P distinct texts, U tokens of the distinct texts end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from finetune.cloze.sequences import put_in_words, put_to_go_on
from finetune.cloze.wordings import wordings_of
from finetune.encoding.assemble import NO_TEXT, Assembled, Texts, assemble, texts_of
from finetune.encoding.content import fingerprint_of
from finetune.encoding.encoded import NO_RIVAL, NO_WORD, Encoded
from finetune.encoding.gold import gold_of, refuse_unanswerable
from finetune.encoding.windows import OUTSIDE_CONTEXT, Windows, answer_tokens, answers_in_windows, stops_of
from finetune.generation.targets import TargetTexts, target_texts
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from tokenization.vocabulary import Tokenizer
from training.sequences import I64, offsets_of


def encode_examples(
    spec: TaskSpec,
    split: str,
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    length: int,
    dropped: int = 0,
    limited: bool = False,
) -> Encoded:
    """Encode a split; the longer text of a pair is cut first, from its end, and a long context into windows.

    Args:
        length: most tokens of a sequence, special ones included.
        dropped: rows that were left out of the examples, since they have no label.
        limited: whether the task's limit left rows out.

    Raises:
        RecipeError: the length leaves no room for text; words of a cloze or a prompt that the vocabulary lacks.
        DataError: a question without an answer, in a task that declares that there is none such.
    """
    refuse_unanswerable(spec, split, examples)
    if not spec.is_plain:
        return _in_words(spec, split, examples, tokenizer, length, dropped, limited)
    texts = texts_of(spec, examples)
    coded = _code(spec, texts, tokenizer)
    assembled = assemble(spec, texts, coded.lengths_P, length)
    targets = _targets(spec, examples, tokenizer, length)
    maskable_U = ~np.isin(coded.ids_U, np.fromiter(tokenizer.specials, dtype=np.int64))
    encoded = Encoded(
        spec=spec,
        split=split,
        ids=tuple(example.id for example in examples),
        tokens_T=assembled.lay(coded.ids_U.astype(np.int32), tokenizer.cls, tokenizer.sep),
        segments_T=np.zeros_like(assembled.segments_T) if spec.is_glued else assembled.segments_T,
        maskable_T=assembled.lay(maskable_U, False, False),
        offsets_N1=assembled.offsets_N1,
        example_N=assembled.example_N,
        word_T=assembled.lay(_opened(coded), NO_WORD, NO_WORD) if spec.kind == "tagging" else None,
        words_E=np.array([len(example.words) for example in examples], dtype=np.int64),
        windows=_windows(examples, texts, coded, assembled) if spec.kind == "span" else None,
        rivals_E=_rivals(examples),
        gold=gold_of(spec, examples, tokenizer.lowercase),
        truncated=assembled.cut if targets is None else _cut(texts, coded, assembled, targets),
        dropped=dropped,
        limited=limited,
        fingerprint="",
        targets=targets,
        longest=_longest(spec, length),
    )
    return replace(encoded, fingerprint=fingerprint_of(encoded))


def _in_words(
    spec: TaskSpec,
    split: str,
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    length: int,
    dropped: int,
    limited: bool,
) -> Encoded:
    wordings = wordings_of(spec.name, spec.worded, spec.labels, tokenizer) if spec.worded else None
    if wordings is None:
        found = put_to_go_on(spec, examples, tokenizer, length)
    else:
        found = put_in_words(spec, examples, tokenizer, length, wordings)
    targets = _targets(spec, examples, tokenizer, length)
    encoded = Encoded(
        spec=spec,
        split=split,
        ids=tuple(example.id for example in examples),
        tokens_T=found.tokens_T.astype(np.int32),
        segments_T=found.segments_T.astype(np.int8),
        maskable_T=found.maskable_T,
        offsets_N1=found.offsets_N1,
        example_N=found.example_N,
        word_T=None,
        words_E=np.zeros(len(examples), dtype=np.int64),
        windows=None,
        rivals_E=np.full(len(examples), NO_RIVAL),
        gold=gold_of(spec, examples, tokenizer.lowercase),
        truncated=int((found.cut_E if targets is None else found.cut_E | targets.cut_E).sum()),
        dropped=dropped,
        limited=limited,
        fingerprint="",
        asked_T=None if wordings is None else found.asked_T,
        wordings=wordings,
        targets=targets,
        longest=_longest(spec, length),
    )
    return replace(encoded, fingerprint=fingerprint_of(encoded))


@dataclass(frozen=True)
class _Coded:
    """The tokens of the distinct texts end to end; for tagging with the word of each, for spans with its place."""

    ids_U: I64
    lengths_P: I64
    words_U: I64
    begins_U: I64


def _code(spec: TaskSpec, texts: Texts, tokenizer: Tokenizer) -> _Coded:
    none_U = np.empty(0, dtype=np.int64)
    if spec.kind == "tagging":
        coded = tokenizer.encode_words(texts.words)
        lengths_P = np.array([len(ids) for ids, _ in coded], dtype=np.int64)
        ids_U, words_U = (np.concatenate([none_U, *(pair[part] for pair in coded)]) for part in (0, 1))
        return _Coded(ids_U, lengths_P, words_U, none_U)
    if spec.kind == "span":
        ids_U, begins_U, lengths_P = tokenizer.encode_places(texts.texts)
        return _Coded(ids_U, lengths_P, none_U, begins_U)
    ids_U, lengths_P = tokenizer.encode_flat(texts.texts)
    return _Coded(ids_U, lengths_P, none_U, none_U)


def _targets(spec: TaskSpec, examples: Sequence[Example], tokenizer: Tokenizer, length: int) -> TargetTexts | None:
    """The texts to write, where the task is to write and they are given."""
    if spec.kind != "generation" or any(example.label is None for example in examples):
        return None
    texts = [str(example.label) for example in examples]
    return target_texts(texts, tokenizer, length, spec.is_glued, spec.opening if spec.goes_on else ())


def _longest(spec: TaskSpec, length: int) -> int:
    """Tokens that are written at most: with [CLS] and [SEP] it is whole."""
    return min(spec.longest, length - 2) if spec.kind == "generation" else 0


def _cut(texts: Texts, coded: _Coded, assembled: Assembled, targets: TargetTexts) -> int:
    """Examples whose source or target lost tokens; each is one sequence."""
    second_E = np.where(texts.second_R == NO_TEXT, 0, coded.lengths_P[texts.second_R])
    lost_E = assembled.first_N + assembled.second_N < coded.lengths_P[texts.first_R] + second_E
    return int((lost_E | targets.cut_E).sum())


def _opened(coded: _Coded) -> NDArray[np.int32]:
    """The word that each token is the first piece of; later pieces are of none."""
    opens_U = np.diff(coded.words_U, prepend=NO_WORD) != 0
    opens_U[offsets_of(coded.lengths_P)[:-1][coded.lengths_P > 0]] = True
    return np.where(opens_U, coded.words_U, NO_WORD).astype(np.int32)


def _windows(examples: Sequence[Example], texts: Texts, coded: _Coded, assembled: Assembled) -> Windows:
    sizes_P = np.array([len(text) for text in texts.texts], dtype=np.int64)
    stops_U = stops_of(coded.begins_U, coded.lengths_P, sizes_P)
    bounds_P1 = offsets_of(coded.lengths_P)
    in_context_T = assembled.segments_T == 1
    in_context_T[assembled.offsets_N1[1:] - 1] = False  # the last [SEP]
    begins_T, stops_T = (
        np.where(in_context_T, assembled.lay(places_U.astype(np.int32), 0, 0), np.int32(OUTSIDE_CONTEXT))
        for places_U in (coded.begins_U, stops_U)
    )
    answers_N2 = None
    if all(example.label is not None for example in examples):
        stretches = [slice(bounds_P1[text], bounds_P1[text + 1]) for text in texts.second_R.tolist()]
        tokens = [
            answer_tokens(example, coded.begins_U[stretch], stops_U[stretch])
            for example, stretch in zip(examples, stretches, strict=True)
        ]
        counts_N2 = np.stack([assembled.first_N, assembled.second_N], axis=1)
        answers_N2 = answers_in_windows(examples, tokens, assembled.example_N, assembled.start_N, counts_N2)
    return Windows(tuple(example.texts[1] for example in examples), begins_T, stops_T, answers_N2)


def _rivals(examples: Sequence[Example]) -> I64:
    """Examples of a group whose candidates are the same."""
    numbers: dict[tuple[str, tuple[tuple[str, ...], ...]], int] = {}
    return np.array(
        [
            numbers.setdefault((example.group, _offered(example)), len(numbers)) if example.group else NO_RIVAL
            for example in examples
        ],
        dtype=np.int64,
    )


def _offered(example: Example) -> tuple[tuple[str, ...], ...]:
    """What tells the candidates apart: their texts without those that all of them share, such as the passage."""
    shared = set.intersection(*(set(row) for row in example.candidates)) if example.candidates else set()
    return tuple(tuple(text for text in row if text not in shared) for row in example.candidates)
