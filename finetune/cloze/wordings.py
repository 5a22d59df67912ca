"""The pieces that stand for each class, and what the language model's answers say of the classes.

Shape letters: I items, Q rows of an item, P pieces of all labels, M = I · Q rows, V vocabulary, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from finetune.cloze.given import Cloze, Part, Prompt
from finetune.cloze.pieces import before_answer, ending_before, pieces_behind
from tokenization.errors import RecipeError
from tokenization.vocabulary import Tokenizer
from training.sequences import I64


@dataclass(frozen=True)
class Wordings:
    """How classes are read off an item's rows.

    Attributes:
        pieces: for each class, in the order of the labels, the ids that stand for it.
        rows: rows of an item, Q. A cloze has a gap of each length that occurs, shorter ones first; a prompt has the
            rows before each answer's pieces, class after class.
        row_P, piece_P, class_P: each piece's row within its item, its id, its class.
        weight_P: what its log probability counts in the score of its class.
    """

    pieces: tuple[tuple[int, ...], ...]
    rows: int
    row_P: I64
    piece_P: I64
    class_P: I64
    weight_P: tuple[float, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths that occur, in pieces, shorter ones first."""
        return tuple(sorted({len(ids) for ids in self.pieces}))


def wordings_of(name: str, given: Cloze | Prompt, labels: tuple[str, ...], tokenizer: Tokenizer) -> Wordings:
    """The wordings of a task's classes in a vocabulary.

    Raises:
        RecipeError: with a line for each of the words that the vocabulary does not hold, or cannot tell apart.
    """
    pieces = _pieces(name, given, labels, tokenizer)
    is_cloze = isinstance(given, Cloze)
    lengths = [len(ids) for ids in pieces]
    gaps = sorted(set(lengths)) if is_cloze else lengths
    starts = np.cumsum([0, *gaps])
    firsts = [int(starts[gaps.index(length)] if is_cloze else starts[place]) for place, length in enumerate(lengths)]
    means = is_cloze or (isinstance(given, Prompt) and given.per_token)
    return Wordings(
        pieces=pieces,
        rows=int(starts[-1]),
        row_P=np.concatenate([first + np.arange(length) for first, length in zip(firsts, lengths, strict=True)]),
        piece_P=np.concatenate([np.array(ids, dtype=np.int64) for ids in pieces]),
        class_P=np.repeat(np.arange(len(pieces)), lengths),
        weight_P=tuple(1 / length if means else 1.0 for length in lengths for _ in range(length)),
    )


def class_scores(logits_MV: Tensor, wordings: Wordings) -> Tensor:
    """The score of each class for each item, (I, C) in float32: training and answering take the same.

    Of a cloze the mean of log p(piece at its gap) over the pieces of a class, so that longer words are not punished
    (the gap as long as the words, all pieces read at once: Schick, Schütze 2021, "It's Not Just Size That Matters",
    section 3); of a prompt the sum, or the mean, of log p(piece | all before it).

    Args:
        logits_MV: the rows of whole items, as `Wordings.rows` orders them; also of none.
    """
    device, rows, size = logits_MV.device, wordings.rows, logits_MV.shape[1]
    logits_IW = logits_MV.float().reshape(len(logits_MV) // rows, rows * size)
    total_IQ = logits_IW.reshape(-1, rows, size).logsumexp(2)
    row_P, piece_P = torch.from_numpy(wordings.row_P).to(device), torch.from_numpy(wordings.piece_P).to(device)
    log_p_IP = logits_IW.index_select(1, row_P * size + piece_P) - total_IQ.index_select(1, row_P)
    weight_PC = torch.zeros(len(row_P), len(wordings.pieces))
    weight_PC[torch.arange(len(row_P)), torch.from_numpy(wordings.class_P)] = torch.tensor(wordings.weight_P)
    # Not a matrix product: how that one rounds depends on how many items stand beside each other.
    return (log_p_IP[:, :, None] * weight_PC.to(device)).sum(1)


def _pieces(
    name: str, given: Cloze | Prompt, labels: tuple[str, ...], tokenizer: Tokenizer
) -> tuple[tuple[int, ...], ...]:
    where = f"tasks.{name}.{'cloze.words' if isinstance(given, Cloze) else 'prompt.answers'}"
    texts = [given.texts[label].strip() for label in labels]
    pieces = tuple(
        pieces_behind(_before(given, label), text, tokenizer) for label, text in zip(labels, texts, strict=True)
    )
    _refuse_unknown(where, dict(zip(labels, zip(texts, pieces, strict=True), strict=True)), tokenizer)
    return pieces


def _before(given: Cloze | Prompt, label: str) -> str:
    """What stands before the words of a class; before an answer a space, unless its script has none."""
    text, parts = given.texts[label].strip(), given.parts
    if isinstance(given, Prompt):
        return before_answer(given.text, text)
    place = [part.kind for part in parts].index("mask")
    last = parts[place - 1] if place else Part("break")
    return {"text": last.text, "field": ending_before(text)}.get(last.kind, "")


def _refuse_unknown(where: str, found: Mapping[str, tuple[str, tuple[int, ...]]], tokenizer: Tokenizer) -> None:
    problems: list[str] = []
    first: dict[tuple[int, ...], str] = {}
    for label, (text, ids) in found.items():
        if not ids or not tokenizer.specials.isdisjoint(ids):
            problems.append(
                f"{where}.{label}: the vocabulary has no pieces for '{text.strip()}'; choose words that it holds"
            )
        elif (other := first.setdefault(ids, label)) != label:
            problems.append(
                f"{where}.{label}: '{text.strip()}' is cut into the same pieces as the words of {other}; "
                "the two could not be told apart"
            )
    if problems:
        raise RecipeError("\n".join(problems))
