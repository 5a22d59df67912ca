"""Exact match and F1 of answers found in a text, by the rules of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (2018).

Each example's gold is a tuple of right answers, of which the nearest counts; () means that the text holds none, and
then only "" is right. Tasks with such examples are scored as version 2.0 has it, others as 1.1: they differ on answers
that are nothing but articles and punctuation.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from finetune.metrics.answers import Answers
from finetune.tasks.spec import TaskSpec

Parts = TypeVar("Parts")

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def same_words(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of questions whose answer has the words of a right one."""
    return mean_of_nearest(lambda right, told: float(right == told), *_in_words(gold, answers, spec))


def span_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean over questions of the F1 of the answer's words, in any order."""
    overlap = or_both_empty(_overlap) if has_unanswerable(gold, spec) else _overlap
    return mean_of_nearest(overlap, *_in_words(gold, answers, spec))


def words_of(text: str) -> list[str]:
    """The words of an answer that count: in lower case, without ASCII punctuation, then without articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()


def mean_of_nearest(
    of: Callable[[Parts, Parts], float], gold: Sequence[Sequence[Parts]], answers: Sequence[Parts]
) -> float:
    """The mean over questions of what an answer is worth beside the right one nearest to it."""
    best = [max(of(right, told) for right in rights) for rights, told in zip(gold, answers, strict=True)]
    return sum(best) / len(best)


def f1_of(shared: int, right: int, told: int) -> float:
    """F1 of `shared` parts among so many right and so many told ones; 0 where nothing is shared."""
    if shared == 0:
        return 0.0
    precision, recall = shared / told, shared / right
    return 2 * precision * recall / (precision + recall)


def has_unanswerable(gold: Answers, spec: TaskSpec) -> bool:
    """Whether questions may have no right answer."""
    return spec.unanswerable or not all(gold)


def or_both_empty(of: Callable[[list[str], list[str]], float]) -> Callable[[list[str], list[str]], float]:
    """The same, but that to say nothing where nothing is right is worth 1."""
    return lambda right, told: of(right, told) if right and told else float(right == told)


def _in_words(gold: Answers, answers: Answers, spec: TaskSpec) -> tuple[list[list[list[str]]], list[list[str]]]:
    in_words = [[words_of(text) for text in rights] for rights in gold]
    if has_unanswerable(gold, spec):
        in_words = [[words for words in rights if words] or [[]] for rights in in_words]
    return in_words, [words_of(told) for told in answers]


def _overlap(right: list[str], told: list[str]) -> float:
    return f1_of(sum((Counter(right) & Counter(told)).values()), len(right), len(told))
