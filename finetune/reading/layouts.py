"""How rows become examples: as their columns say, or as a suite nests them.

A layout takes the rows of all files of a split and gives examples with their places, None for a row that is left out
since it has no label. Ids are the rows' own, or empty: the reader numbers those.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from finetune.reading.chid_layout import chid
from finetune.reading.labels import (
    class_of,
    classes_of,
    is_dropped,
    named_candidate,
    right_candidate,
    score_of,
    spans_of,
    tags_of,
    written,
)
from finetune.reading.row import Row
from finetune.reading.row_values import list_of, mapping_of, text_of, texts_of, value_of, words_of
from finetune.reading.squad_layout import squad, squad_sentences
from finetune.reading.taken import Taken, hides, own_id
from finetune.tasks.example import Example, Label
from finetune.tasks.spec import GROUPED, OUTSIDE, TaskSpec
from tokenization.errors import DataError
from tokenization.unspaced import is_unspaced

Layout = Callable[[TaskSpec, Iterable[Row], str], Iterator[Taken]]

# CLUE's baselines mark the span so and the pronoun so; the marks are text, which every vocabulary has.
_MARKS = {"span1": ("_", "_"), "span2": ("[", "]")}
# Full-width punctuation, which brings its own space along.
_WIDE_MARK = re.compile(r"[\u3000-\u303f\uff00-\uff65]")
_NAMED_SPANS = "expected is {type: {surface: [[first, last], ...]}}, with places of characters from 0."


def taken(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """The examples of a split, by the task's layout.

    Raises:
        DataError: a row of another shape, or a label outside the declared set, with its place.
    """
    return LAYOUTS[spec.layout](spec, rows, split)


def columns_read(spec: TaskSpec, split: str) -> tuple[str, ...]:
    """The columns that every row of a split must have; other layouts than plain rows look for themselves."""
    if spec.layout not in ("rows", "parallel_lines"):
        return ()
    return spec.fields if hides(spec, split) else (*spec.fields, spec.label)


def _rows(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """A row, an example."""
    make = _grouped if spec.kind in GROUPED else _tagged if spec.kind == "tagging" else _plain
    return (_labelled(spec, row, split, make) for row in rows)


def _labelled(spec: TaskSpec, row: Row, split: str, make: Callable[[TaskSpec, Row, bool], Example]) -> Taken:
    """The example of a row. A row without a label is left out, but never from a test set: its order must stay."""
    hidden = hides(spec, split)
    if not hidden and is_dropped(spec, row):
        if not split.startswith("test"):
            return Taken(row.place, None)
        hidden = True
    return Taken(row.place, make(spec, row, hidden))


def _plain(spec: TaskSpec, row: Row, hidden: bool) -> Example:
    texts = tuple(text_of(row, name) for name in spec.fields)
    return Example(own_id(spec, row), texts, (), None if hidden else _label(spec, row, texts))


def _label(spec: TaskSpec, row: Row, texts: tuple[str, ...]) -> Label:
    if spec.kind == "regression":
        return score_of(spec, row)
    if spec.kind == "multilabel":
        return classes_of(spec, row)
    if spec.kind == "generation":
        return written(spec, row)
    if spec.kind == "span":
        return spans_of(row, value_of(row, spec.label), texts[-1])
    return class_of(spec, row)


def _tagged(spec: TaskSpec, row: Row, hidden: bool) -> Example:
    words = words_of(row, spec.fields[0])
    return Example(own_id(spec, row), (), words, None if hidden else tags_of(spec, row, words))


def _grouped(spec: TaskSpec, row: Row, hidden: bool) -> Example:
    """Candidates are texts or pairs of texts; the columns before theirs go with each of them.

    Of three columns the second is a question on the first: a candidate is the first, and the question with an option.
    """
    *before, name = spec.fields
    first = tuple(text_of(row, field) for field in before)
    given = [_parts(row, name, candidate) for candidate in list_of(row, name)]
    _check_candidates(row, spec, given, alone=bool(first))
    asked = first[1:]
    candidates = tuple((*first[:1], _joined(*asked, *parts)) if asked else (*first, *parts) for parts in given)
    label = None if hidden else _right(spec, row, candidates, [parts[-1] for parts in given])
    return Example(own_id(spec, row), (), (), label, candidates)


def _check_candidates(row: Row, spec: TaskSpec, given: Sequence[tuple[str, ...]], alone: bool) -> None:
    """Refuse candidates of unlike shapes, and less than two; `alone` ones are single texts."""
    name = spec.fields[-1]
    meant = f" That column is read since it is the last of tasks.{spec.name}.fields ({', '.join(spec.fields)})."
    if not given or not all(len(parts) == len(given[0]) <= (1 if alone else 2) for parts in given):
        raise DataError(
            f"{row.place}: column {name!r} is {row.values[name]!r}; a list of candidates is expected, each of them "
            f"{'a text' if alone else 'a text, or each a pair of texts'}.{meant}"
        )
    if len(given) == 1:
        parted = " In TSV and CSV they are parted by '|'." if row.cells else ""
        raise DataError(
            f"{row.place}: column {name!r} holds a single candidate, {given[0][-1]!r}; two or more are expected."
            f"{parted}{meant}"
        )


def _right(spec: TaskSpec, row: Row, candidates: Sequence[tuple[str, ...]], options: list[str]) -> int:
    """The index of the right candidate, which no other may equal; where the label is its text, nor their texts."""
    right = right_candidate(spec, row, options)
    by_text = value_of(row, spec.label) == options[right]
    count = options.count(options[right]) if by_text else candidates.count(candidates[right])
    if count > 1:
        raise DataError(
            f"{row.place}: {options[right]!r}, the right candidate, stands {count} times in column "
            f"{spec.fields[-1]!r}; only one of them can be right."
        )
    return right


def _joined(question: str, option: str) -> str:
    """A question with one of its options; no blank where a script without blanks, or its punctuation, meets it."""
    ends = question[-1:], option[:1]
    glued = not all(ends) or any(is_unspaced(end) or end.isspace() or _WIDE_MARK.match(end) for end in ends)
    return f"{question}{option}" if glued else f"{question} {option}"


def _parts(row: Row, name: str, candidate: Any) -> tuple[str, ...]:
    parts = tuple(candidate) if isinstance(candidate, list | tuple) else (candidate,)
    if not parts or not all(isinstance(part, str) for part in parts):
        raise DataError(f"{row.place}: column {name!r} holds the candidate {candidate!r}, but text is expected.")
    return parts


def _marked_pair(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """CLUEWSC2020: does the pronoun (span2) mean span1? The text with both marked in it: _span1_ ... [span2]."""
    return (_labelled(spec, row, split, _marked) for row in rows)


def _marked(spec: TaskSpec, row: Row, hidden: bool) -> Example:
    text = text_of(row, spec.fields[0])
    target = mapping_of(row, "target")
    # From right to left, since an insertion shifts what follows; of two at one place the closing mark comes first.
    marks: list[tuple[int, int, str]] = []
    for name, (opens, closes) in _MARKS.items():
        start, span = target.get(f"{name}_index"), target.get(f"{name}_text")
        if not isinstance(start, int) or not isinstance(span, str) or not _stands(text, span, start):
            there = text[start : start + len(str(span))] if isinstance(start, int) else None
            raise DataError(
                f"{row.place}: {name}_text is {span!r}, but at character {start!r} ({name}_index) of the text stands "
                f"{there!r}."
            )
        marks += [(start, 1, opens), (start + len(span), 0, closes)]
    for place, _, mark in sorted(marks, reverse=True):
        text = text[:place] + mark + text[place:]
    return Example(own_id(spec, row), (text,), (), None if hidden else class_of(spec, row))


def _stands(text: str, span: str, start: int) -> bool:
    return span != "" and start >= 0 and text.startswith(span, start)


def _c3(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """C3: [[lines of a dialogue or text], [{question, choice, answer}, ...], id]; a question, an example.

    A candidate is the text, and the question with a choice. The hub's rows hold one question each.
    """
    hidden = hides(spec, split)
    for row in rows:
        nested = "0" in row.values
        lines, asked = (value_of(row, "0"), value_of(row, "1")) if nested else (value_of(row, "context"), [row.values])
        if not isinstance(asked, list) or not all(isinstance(values, dict) for values in asked):
            raise DataError(f"{row.place}: {asked!r} stands where a list of questions, each an object, is expected.")
        context = "\n".join(_parts(row, "0" if nested else "context", lines))
        for number, values in enumerate(asked, 1):
            question = row.part(values, "question", number)
            choices = texts_of(question, "choice")
            candidates = tuple((context, f"{text_of(question, 'question')}{choice}") for choice in choices)
            label = None if hidden else named_candidate(spec, question, choices)
            yield Taken(question.place, Example(own_id(spec, question), (), (), label, candidates))


def _named_spans(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """CLUENER: {"text", "label": {type: {surface: [[first, last], ...]}}}; each character is a word."""
    hidden = hides(spec, split)
    for row in rows:
        text = text_of(row, spec.fields[0])
        if not text:
            raise DataError(f"{row.place}: column {spec.fields[0]!r} is empty, but text is expected.")
        label = None if hidden else _tags_of_spans(spec, row, text)
        yield Taken(row.place, Example(own_id(spec, row), (), tuple(text), label))


def _tags_of_spans(spec: TaskSpec, row: Row, text: str) -> tuple[str, ...]:
    """BIO tags. Where two spans overlap, which BIO cannot say, the longer one is kept, of equals the first."""
    tags = [OUTSIDE] * len(text)
    for start, stop, name in sorted(_spans_named(spec, row, text), key=lambda span: span[0] - span[1]):
        if tags[start:stop] == [OUTSIDE] * (stop - start):
            tags[start:stop] = [f"B-{name}", *[f"I-{name}"] * (stop - start - 1)]
    return tuple(tags)


def _spans_named(spec: TaskSpec, row: Row, text: str) -> Iterator[tuple[int, int, str]]:
    for name, surfaces in mapping_of(row, spec.label).items():
        if f"B-{name}" not in spec.labels:
            known = ", ".join(tag[2:] for tag in spec.labels if tag.startswith("B-"))
            raise DataError(f"{row.place}: type {name!r} is not one of task {spec.name!r}; allowed: {known}")
        if not isinstance(surfaces, dict):
            raise DataError(f"{row.place}: the entities of type {name!r} are {surfaces!r}; {_NAMED_SPANS}")
        for surface, places in surfaces.items():
            if not isinstance(places, list) or not all(map(_is_stretch, places)):
                raise DataError(f"{row.place}: {surface!r} ({name}) stands at {places!r}; {_NAMED_SPANS}")
            for first, last in places:
                if not first <= last < len(text) or text[first : last + 1] != surface:
                    raise DataError(
                        f"{row.place}: {surface!r} ({name}) does not stand at characters {first} to {last}, both "
                        f"included; there stands {text[first : last + 1]!r}."
                    )
                yield first, last + 1, name


def _is_stretch(places: Any) -> bool:
    return isinstance(places, list) and len(places) == 2 and all(type(place) is int and place >= 0 for place in places)


LAYOUTS: dict[str, Layout] = {
    "rows": _rows,
    "marked_pair": _marked_pair,
    "squad": squad,
    "squad_sentences": squad_sentences,
    "c3": _c3,
    "chid": chid,
    "named_spans": _named_spans,
    "parallel_lines": _rows,
}
