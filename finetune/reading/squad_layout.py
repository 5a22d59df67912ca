"""SQuAD's nesting, 1.1 and 2.0, which CMRC2018 and DRCD share: data, paragraphs, questions (Rajpurkar et al. 2016).

The hub's rows hold one question each, with the task's own columns.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from finetune.reading.labels import spans_of
from finetune.reading.row import Row
from finetune.reading.row_values import as_text, text_of, value_of
from finetune.reading.taken import Taken, hides, own_id
from finetune.tasks.example import Example, Span
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError
from tokenization.sentences import split_sentences
from tokenization.unspaced import has_han


@dataclass(frozen=True)
class _Asked:
    """A question on a context; `answers` is None where the split hides them."""

    place: str
    id: str
    question: str
    context: str
    answers: tuple[Span, ...] | None


def squad(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """Question and context as the texts, the answers as the label."""
    for asked in _questions(spec, rows, split):
        yield Taken(asked.place, Example(asked.id, (asked.question, asked.context), (), asked.answers))


def squad_sentences(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[Taken]:
    """Which sentence holds the answer: the question with each sentence of the context, as a ranking.

    Right is the sentence in which the first answer that stands in the text begins. A question without one has no right
    sentence and is left out, unless the split hides its answers.
    """
    for asked in _questions(spec, rows, split):
        starts, sentences = _sentences(asked.context)
        candidates = tuple((asked.question, sentence) for sentence in sentences)
        if asked.answers is None:
            yield Taken(asked.place, Example(asked.id, (), (), None, candidates))
        elif (place := next((span.start for span in asked.answers if span.start >= 0), None)) is None:
            yield Taken(asked.place, None)
        else:
            right = sum(start <= place for start in starts) - 1
            yield Taken(asked.place, Example(asked.id, (), (), max(right, 0), candidates))


def _sentences(context: str) -> tuple[list[int], list[str]]:
    """Where each sentence begins, and the sentences; a context without any is its own."""
    sentences = split_sentences(context, "zh" if has_han(context) else "en") or [context]
    starts, place = [], 0
    for sentence in sentences:
        place = context.index(sentence, place)
        starts.append(place)
        place += len(sentence)
    return starts, sentences


def _questions(spec: TaskSpec, rows: Iterable[Row], split: str) -> Iterator[_Asked]:
    hidden = hides(spec, split)
    for row in rows:
        if "paragraphs" not in row.values:
            question, context = (text_of(row, name) for name in spec.fields)
            answers = None if hidden else spans_of(row, value_of(row, spec.label), context)
            yield _Asked(row.place, own_id(spec, row), question, context, answers)
        for number, values in enumerate(_objects(row, "paragraphs") if "paragraphs" in row.values else (), 1):
            yield from _of_paragraph(row.part(values, "paragraph", number), hidden)


def _of_paragraph(paragraph: Row, hidden: bool) -> Iterator[_Asked]:
    context = text_of(paragraph, "context")
    for number, values in enumerate(_objects(paragraph, "qas"), 1):
        asked = paragraph.part(values, "question", number)
        answers = None if hidden else spans_of(asked, value_of(asked, "answers"), context)
        yield _Asked(asked.place, as_text(value_of(asked, "id")), text_of(asked, "question"), context, answers)


def _objects(row: Row, name: str) -> list[Mapping[str, Any]]:
    found = row.values.get(name)
    if not isinstance(found, list) or not all(isinstance(value, dict) for value in found):
        raise DataError(
            f"{row.place}: {name!r} is missing or no list of objects; expected is SQuAD's nesting: data, paragraphs "
            "(context), qas (id, question, answers)."
        )
    return found
