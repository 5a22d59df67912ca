"""What a task's splits hold, before anything is trained on them: counts, labels, copies, leaks, lengths.

Shape letters: K examples looked at, S sequences.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from finetune.encoding.encode import encode_examples
from finetune.encoding.gold import gold_of
from finetune.metrics import majority
from finetune.reading.carve import is_carved
from finetune.reading.leaks import leaked_rows, text_of
from finetune.tasks.example import Example, Span, Split
from finetune.tasks.spec import DEV, GROUPED, OUTSIDE, TRAIN, TaskSpec
from tokenization.vocabulary import Tokenizer
from training.address import key_of, permute

LOOKED_AT = 5_000  # examples of a split whose lengths are measured
_WHOLE = 1_000_000  # tokens: as a task's length, nothing is cut by it
_FOUND, _LOST = "answer in the text", "answer that is not in the text"  # what labels of spans are counted by
_PARTS = 5  # of the range of a regression
_SIZES = (25, 50, 100, 200, 400)  # characters of a text to write


@dataclass(frozen=True)
class Counts:
    """How many rows a split has.

    Attributes:
        dropped: rows left out since they have no label.
        carved: rows of train that stand in for a dev set.
        official: the published number; None where nobody published one.
        limited: whether the recipe's limit left rows out.
    """

    split: str
    rows: int
    dropped: int
    carved: int
    official: int | None
    limited: bool

    @property
    def found(self) -> int:
        """Rows of the files, as far as they were let through."""
        return self.rows + self.dropped + self.carved

    @property
    def reduced(self) -> bool:
        """Whether the split is a part of the published one, or of what the files hold."""
        return self.limited or (self.official is not None and self.found < self.official)


@dataclass(frozen=True)
class Lengths:
    """Tokens of a split's sequences, special ones included, uncut.

    Attributes:
        examples: how many were looked at.
        median, most, longest: tokens; `most` is what 95 % do not exceed.
        over: share of the sequences that are longer than the task's length.
    """

    examples: int
    median: int
    most: int
    longest: int
    over: float


@dataclass(frozen=True)
class Figures:
    """What a labelled split holds.

    Attributes:
        labels: label → how often, the commonest first; scores are counted by parts of their range, tags by the entities
            that they open, candidates by the place of the right one.
        absent: declared labels that no row has.
        copies: rows whose text stands in an earlier row of the split.
        conflicting: texts that stand in the split with more than one label.
        leaked: rows whose text stands in train, letter for letter.
        empty: rows of which a text is empty or blank.
        lost: whether rows have answers and not one of these stands in its text (spans).
        majority: the primary metric of the answer that ignores its input.
        lengths: None without a tokenizer.
    """

    counts: Counts
    labels: Mapping[str, int]
    absent: tuple[str, ...]
    copies: int
    conflicting: int
    leaked: int
    empty: int
    lost: bool
    majority: float
    lengths: Lengths | None


def count(spec: TaskSpec, split: str, rows: int, dropped: int, carved: int = 0, *, limited: bool) -> Counts:
    """The rows of a split beside the official number."""
    return Counts(split, rows, dropped, carved, spec.rows.get(split), limited)


def is_trained_on_part(spec: TaskSpec, read: Callable[[str], Split]) -> bool:
    """Whether a task's training set is less than the official one; rows that stand in for its dev set are not missing.

    Args:
        read: gives the rows of a split of the task.
    """
    train = read(TRAIN)
    carved = len(read(DEV).examples) if is_carved(spec, DEV) else 0
    return count(spec, TRAIN, len(train.examples), train.dropped, carved, limited=train.limited).reduced


def examine(
    spec: TaskSpec, counts: Counts, read: Split, train: Split, tokenizer: Tokenizer | None, length: int
) -> Figures:
    """The figures of a split whose labels are given.

    Args:
        train: the split that a model would be trained on; of train itself, no row counts as leaked.
        length: tokens that the task's sequences are cut to.
    """
    examples, split = read.examples, counts.split
    labels = Counter(label for example in examples for label in _labels_of(spec, example))
    texts = [text_of(example) for example in examples]
    return Figures(
        counts=counts,
        labels=dict(labels.most_common()),
        absent=tuple(name for name in _declared(spec) if name not in labels),
        copies=len(texts) - len(set(texts)),
        conflicting=0 if spec.kind == "generation" else _conflicting(texts, examples),  # two translations may be right
        leaked=0 if read is train else int(leaked_rows(train.examples, examples).sum()),
        empty=sum(_is_empty(spec, example) for example in examples),
        lost=labels[_LOST] > 0 and not labels[_FOUND],
        majority=_majority(spec, train, read),
        lengths=None if tokenizer is None else _lengths(spec, split, examples, tokenizer, length),
    )


def _majority(spec: TaskSpec, train: Split, read: Split) -> float:
    train_gold, gold = gold_of(spec, train.examples), gold_of(spec, read.examples)
    assert train_gold is not None, "train has labels"
    assert gold is not None, "a split that is examined has labels"
    candidates = [len(example.candidates) for example in read.examples] if spec.kind in GROUPED else None
    return majority(spec, train_gold, gold, candidates)


def _conflicting(texts: Sequence[object], examples: Sequence[Example]) -> int:
    labels: dict[object, set[object]] = {}
    for text, example in zip(texts, examples, strict=True):
        labels.setdefault(text, set()).add(example.label)
    return sum(len(found) > 1 for found in labels.values())


def _lengths(spec: TaskSpec, split: str, examples: Sequence[Example], tokenizer: Tokenizer, length: int) -> Lengths:
    """Of a fixed random part: the first rows would mislead where a file is sorted."""
    chosen_K = np.arange(len(examples))
    if len(examples) > LOOKED_AT:
        chosen_K = permute(np.arange(LOOKED_AT, dtype=np.int64), len(examples), key_of("lengths", spec.name, split))
    part = [examples[int(index)] for index in chosen_K]
    encoded = encode_examples(spec, split, part, tokenizer, _WHOLE)
    lengths_S = encoded.lengths_N
    if encoded.targets is not None:
        lengths_S = np.maximum(lengths_S, encoded.targets.lengths_E)  # the length holds for each
    median, most, longest = np.percentile(lengths_S, [50, 95, 100], method="inverted_cdf")
    return Lengths(len(part), int(median), int(most), int(longest), float((lengths_S > length).mean()))


def _is_empty(spec: TaskSpec, example: Example) -> bool:
    texts = (*example.texts, *(text for candidate in example.candidates for text in candidate))
    if spec.kind == "generation" and isinstance(example.label, str):
        texts = (*texts, example.label)
    return not example.words if spec.kind == "tagging" else not all(text.strip() for text in texts)


def _declared(spec: TaskSpec) -> tuple[str, ...]:
    if spec.kind == "tagging":
        return tuple(dict.fromkeys(tag[2:] for tag in spec.labels if tag != OUTSIDE))
    return spec.labels


def _labels_of(spec: TaskSpec, example: Example) -> Iterable[str]:
    return _LABELS_OF_KIND[spec.kind](spec, example.label)


def _single(spec: TaskSpec, label: object) -> Iterable[str]:
    return (str(label),)


def _several(spec: TaskSpec, label: object) -> Iterable[str]:
    assert isinstance(label, tuple)
    return (str(name) for name in label)


def _entities(spec: TaskSpec, label: object) -> Iterable[str]:
    assert isinstance(label, tuple)
    return (tag[2:] for tag in label if isinstance(tag, str) and tag.startswith("B-"))


def _part_of_range(spec: TaskSpec, label: object) -> Iterable[str]:
    assert isinstance(label, int | float)
    low, high = spec.score_range
    width = (high - low) / _PARTS
    part = min(_PARTS - 1, int((label - low) / width))
    return (f"{low + part * width:g} to {low + (part + 1) * width:g}",)


def _place(spec: TaskSpec, label: object) -> Iterable[str]:
    return (f"candidate {label}",)


def _answered(spec: TaskSpec, label: object) -> Iterable[str]:
    assert isinstance(label, tuple)
    if not label:
        return ("no answer",)
    lost = all(isinstance(span, Span) and span.start < 0 for span in label)
    return (_LOST if lost else _FOUND,)


def _by_size(spec: TaskSpec, label: object) -> Iterable[str]:
    """Texts to write are counted by their characters, up to the next of some bounds."""
    size = len(str(label))
    bound = next((bound for bound in _SIZES if size <= bound), None)
    return (f"up to {bound} characters" if bound else f"over {_SIZES[-1]} characters",)


_LABELS_OF_KIND: dict[str, Callable[[TaskSpec, object], Iterable[str]]] = {
    "classification": _single,
    "multilabel": _several,
    "regression": _part_of_range,
    "ranking": _place,
    "choice": _place,
    "tagging": _entities,
    "span": _answered,
    "generation": _by_size,
}
