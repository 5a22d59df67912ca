"""A dev set out of train, where a task has none: stratified by label, duplicates on one side, the same on every call.

Groups of equal rows stand in the order of their label and, within it, in an order that the task's name alone decides.
Walking along them, train owes dev its share of each group; once it owes half a group, that group goes to dev. So every
label, being a stretch of that walk, gives its share to within a row, and so does the whole.

Shape letters: N examples, G groups.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.tasks.example import Example, Label
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
from tokenization.errors import DataError
from training.address import key_of, permute

_BANDS = 10


def is_carved(spec: TaskSpec, split: str) -> bool:
    """Whether the rows of a split are found by carving train."""
    return split in (TRAIN, DEV) and DEV in spec.splits and DEV not in spec.files


def carved_note(spec: TaskSpec) -> str | None:
    """What is to be told where a task's dev set is carved; None where it is not."""
    if not is_carved(spec, DEV):
        return None
    return (
        f"{spec.name}: no file gives a dev set, so {spec.carve:.0%} of train stands in for it (stratified by label, "
        "equal rows kept together, chosen by the task's name)"
    )


def carved_dev(spec: TaskSpec, examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Bool [N]: which rows of train are dev's.

    Raises:
        DataError: there are too few rows for a dev set.
    """
    groups = _groups(spec, examples)
    strata = _strata(spec, examples)
    order_G = permute(np.arange(len(groups), dtype=np.int64), len(groups), key_of("carve", spec.chosen_as))
    walk = sorted(range(len(groups)), key=lambda group: (strata[groups[group][0]], int(order_G[group])))
    chosen_N = np.zeros(len(examples), dtype=np.bool_)
    owed = 0.0
    for group in walk:
        size = len(groups[group])
        owed += spec.carve * size
        if owed >= size / 2:
            chosen_N[groups[group]] = True
            owed -= size
    if not chosen_N.any() or chosen_N.all():
        raise DataError(
            f"task {spec.name!r}: {len(examples)} rows in {len(groups)} groups of equal ones are too few to carve a "
            f"dev set of {spec.carve:.0%} from; give the task a dev file, or set tasks.{spec.name}.carve."
        )
    return chosen_N


def _strata(spec: TaskSpec, examples: Sequence[Example]) -> list[str]:
    """What is to be as frequent on both sides: the label, for scores their tenth, for spans whether there is one.

    Texts to write are nearly all different: nothing of them is to be.
    """
    if spec.kind == "generation":
        return [""] * len(examples)
    if spec.kind == "regression":
        scores_N = np.array([example.label for example in examples], dtype=np.float64)
        ranks_N = np.argsort(np.argsort(scores_N, kind="stable"))
        return [str(band) for band in ranks_N * _BANDS // max(len(examples), 1)]
    if spec.kind == "span":
        return ["answered" if example.label else "unanswerable" for example in examples]
    if spec.kind == "tagging":
        return [",".join(sorted({str(tag)[2:] for tag in _listed(example.label)})) for example in examples]
    return [str(example.label) for example in examples]


def _listed(label: Label) -> tuple[object, ...]:
    return label if isinstance(label, tuple) else ()


def _groups(spec: TaskSpec, examples: Sequence[Example]) -> list[list[int]]:
    """The examples that must stay together, in the order of their first ones: those that share a text, and so on."""
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[object, int] = {}
    for index, example in enumerate(examples):
        for key in _keys(spec, example):
            one, other = sorted((root(index), root(first.setdefault(key, index))))
            parent[other] = one
    groups: dict[int, list[int]] = {}
    for index in range(len(examples)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _keys(spec: TaskSpec, example: Example) -> Iterator[object]:
    """What an example must not share with one on the other side.

    Its texts or words as a whole; the context of a question; what all its candidates share, such as C3's text, or else
    all of them, since the same few may be offered everywhere (yes or no); the sentences of a context; its group.
    """
    if spec.kind == "span":
        yield ("context", example.texts[-1])
    elif not example.candidates:
        yield (example.texts, example.words)
    elif spec.layout == "squad_sentences":
        yield ("sentences", tuple(candidate[-1] for candidate in example.candidates))
    else:
        parts = [tuple(dict.fromkeys(part)) for part in zip(*example.candidates, strict=True)]
        yield (
            ("shared", tuple(part for part in parts if len(part) == 1)) if 1 in map(len, parts) else example.candidates
        )
    if example.group:
        yield ("group", example.group)
