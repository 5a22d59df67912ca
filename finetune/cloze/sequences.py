"""Examples in words: how the texts of a split become the sequences of a cloze or of a prompt.

    cloze    [CLS] pattern with l gaps [SEP]: one sequence for each length l of the classes' words, shorter ones first;
             with a mark `|`: [CLS] before [SEP] behind [SEP], the second part segment 1
    prompt   [CLS] text answer: one sequence for each class; no [SEP], since the text goes on
    written  [CLS] text: one sequence, which goes on with an answer that is written

All sequences of an example hold the same of its texts: they are cut until the longest of them fits, never the pattern.

Shape letters: E examples, F fields, U tokens of the distinct texts end to end, V ids to choose from, S sequences of an
example, N = E · S sequences, P parts of a sequence, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from finetune.cloze.given import Cloze, Part, Prompt
from finetune.cloze.pieces import ending_before, pieces_behind
from finetune.cloze.wordings import Wordings
from finetune.encoding.assemble import kept
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from tokenization.errors import RecipeError
from tokenization.vocabulary import Tokenizer
from training.sequences import I64, offsets_of, ranges

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class InWords:
    """The sequences of a split; attributes as in `Encoded`, which narrows them.

    Attributes:
        asked_T: whether a row is read: those of a cloze's gaps, those before the pieces of a prompt's answer.
        cut_E: which examples lost tokens to the length.
    """

    tokens_T: I64
    segments_T: I64
    maskable_T: Bools
    asked_T: Bools
    offsets_N1: I64
    example_N: I64
    cut_E: Bools


@dataclass(frozen=True)
class _Piece:
    """A part of a sequence: ids that are the same in every example, or the place of a field among the fields.

    Attributes:
        answered: whether these tokens are what the language model is asked for.
    """

    ids: tuple[int, ...] = ()
    field: int = -1
    segment: int = 0
    answered: bool = False


def put_in_words(
    spec: TaskSpec, examples: Sequence[Example], tokenizer: Tokenizer, length: int, wordings: Wordings
) -> InWords:
    """The sequences of a split.

    Raises:
        RecipeError: the pattern and the longest words leave no room for text.
    """
    given = spec.worded
    assert given is not None, f"{spec.name} is not put into words"
    found = _laid(spec, examples, tokenizer, length, _layouts(spec, given, tokenizer, wordings))
    return found if isinstance(given, Cloze) else replace(found, asked_T=np.append(found.asked_T[1:], False))


def put_to_go_on(spec: TaskSpec, examples: Sequence[Example], tokenizer: Tokenizer, length: int) -> InWords:
    """The sources of a split whose texts are written behind them: all of segment 0, since nothing else is seen.

    Raises:
        RecipeError: the prompt leaves no room for text.
    """
    layout = [_Piece((tokenizer.cls,)), *_pieces(spec, spec.opening, tokenizer, ())]
    found = _laid(spec, examples, tokenizer, length, [layout])
    return replace(found, segments_T=np.zeros_like(found.segments_T))


def _laid(
    spec: TaskSpec,
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    length: int,
    layouts: Sequence[Sequence[_Piece]],
) -> InWords:
    """The layouts of each example with its texts in them; the rows that are answered are those of the answers."""
    ids_U, starts_EF, whole_EF = _texts(examples, tokenizer)
    kept_EF = _cut(spec, layouts, whole_EF, length)
    begins_NP, counts_NP, source_V = _stretches(layouts, ids_U, starts_EF, kept_EF)
    laid_T = ranges(begins_NP.ravel(), counts_NP.ravel())
    segments_P, of_text_P, answered_P = (
        np.tile([[getattr(piece, name) for piece in layout] for layout in layouts], (len(examples), 1))
        for name in ("segment", "field", "answered")
    )
    tokens_T = source_V[laid_T]
    asked_T = np.repeat(answered_P.ravel(), counts_NP.ravel())
    is_text_T = np.repeat(of_text_P.ravel() >= 0, counts_NP.ravel())
    return InWords(
        tokens_T=tokens_T,
        segments_T=np.repeat(segments_P.ravel(), counts_NP.ravel()),
        maskable_T=is_text_T & ~np.isin(tokens_T, np.fromiter(tokenizer.specials, dtype=np.int64)),
        asked_T=asked_T,
        offsets_N1=offsets_of(counts_NP.sum(1)),
        example_N=np.repeat(np.arange(len(examples)), len(layouts)),
        cut_E=np.any(kept_EF < whole_EF, axis=1),
    )


def _layouts(spec: TaskSpec, given: Cloze | Prompt, tokenizer: Tokenizer, wordings: Wordings) -> list[list[_Piece]]:
    """The parts of each sequence of an example, padded to equally many."""
    if isinstance(given, Prompt):
        text = [_Piece((tokenizer.cls,)), *_pieces(spec, given.parts, tokenizer, ())]
        return [[*text, _Piece(ids, answered=True)] for ids in wordings.pieces]
    end = _Piece((tokenizer.sep,), segment=int(any(part.kind == "break" for part in given.parts)))
    gaps = [(tokenizer.mask,) * length for length in wordings.lengths]
    return [[_Piece((tokenizer.cls,)), *_pieces(spec, given.parts, tokenizer, gap), end] for gap in gaps]


def _pieces(spec: TaskSpec, parts: Sequence[Part], tokenizer: Tokenizer, gap: tuple[int, ...]) -> list[_Piece]:
    segment, found, before = 0, list[_Piece](), ""
    for part in parts:
        if part.kind == "field":
            found.append(_Piece(field=spec.fields.index(part.text), segment=segment))
        elif part.kind == "mask":
            found.append(_Piece(gap, segment=segment, answered=True))
        elif part.kind == "break":
            found.append(_Piece((tokenizer.sep,)))
            segment = 1
        else:  # a space behind it belongs to what follows
            behind = ending_before(part.text) if before else ""
            found.append(_Piece(pieces_behind(behind, part.text.rstrip(), tokenizer), segment=segment))
        before = "" if part.kind == "break" else part.kind
    return found


def _texts(examples: Sequence[Example], tokenizer: Tokenizer) -> tuple[I64, I64, I64]:
    """The ids of the distinct texts end to end, and where each field's text begins among them and how long it is."""
    numbers: dict[str, int] = {}
    place_EF = np.array(
        [[numbers.setdefault(text, len(numbers)) for text in example.texts] for example in examples], dtype=np.int64
    )
    ids_U, lengths_P = tokenizer.encode_flat(list(numbers))
    return ids_U, offsets_of(lengths_P)[place_EF], lengths_P[place_EF]


def _cut(spec: TaskSpec, layouts: Sequence[Sequence[_Piece]], whole_EF: I64, length: int) -> I64:
    """How much of each text is kept: of two the longer one is cut first, as in other pairs."""
    fixed = max(sum(len(piece.ids) for piece in layout) for layout in layouts)
    if (room := length - fixed) < len(spec.fields):
        raise RecipeError(
            f"tasks.{spec.name}.length: {length} tokens given; the words around the texts take {fixed}, which leaves "
            f"no room for text. At least {fixed + len(spec.fields)} are needed."
        )
    if len(spec.fields) == 1:
        return np.minimum(whole_EF, room)
    return np.stack(kept(whole_EF[:, 0], whole_EF[:, 1], np.full(len(whole_EF), room)), axis=1)


def _stretches(layouts: Sequence[Sequence[_Piece]], ids_U: I64, starts_EF: I64, kept_EF: I64) -> tuple[I64, I64, I64]:
    """Where each part of each sequence begins among the ids to choose from, how many they are, and these ids."""
    size, count = len(kept_EF), len(layouts)
    begins = np.empty((size, count, len(layouts[0])), dtype=np.int64)
    counts = np.empty_like(begins)
    source = [ids_U]
    end = len(ids_U)
    for sequence, layout in enumerate(layouts):
        for place, piece in enumerate(layout):
            if piece.field >= 0:
                begins[:, sequence, place], counts[:, sequence, place] = (
                    starts_EF[:, piece.field],
                    kept_EF[:, piece.field],
                )
                continue
            begins[:, sequence, place], counts[:, sequence, place] = end, len(piece.ids)
            source.append(np.array(piece.ids, dtype=np.int64))
            end += len(piece.ids)
    shape = (size * count, len(layouts[0]))
    return begins.reshape(shape), counts.reshape(shape), np.concatenate(source)
