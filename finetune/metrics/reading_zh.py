"""Exact match and F1 of answers found in a Chinese text, by the rules of CMRC 2018 (Cui et al. 2019), for DRCD too.

From the script that comes with that data, cmrc2018_evaluate.py, version 5: punctuation of a fixed list does not count,
each Han character stands alone, the text between them is cut into English words, and F1 counts the longest run of parts
that an answer shares with a right one. Examples without a right answer, which the script does not know, are scored as
in SQuAD 2.0: only "" is right.
"""

import re
from difflib import SequenceMatcher

from finetune.metrics.answers import Answers
from finetune.metrics.english_words import english_words
from finetune.metrics.reading import f1_of, has_unanswerable, mean_of_nearest, or_both_empty
from finetune.tasks.spec import TaskSpec

_UNCOUNTED = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN_OR_RUN = re.compile("[\u4e00-\u9fa5]|[^\u4e00-\u9fa5]+")


def exact_match_zh(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of questions whose answer is a right one but for case and punctuation."""
    in_letters = [[_plain(text) for text in rights or ("",)] for rights in gold]
    return mean_of_nearest(lambda right, told: float(right == told), in_letters, [_plain(told) for told in answers])


def span_f1_zh(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean over questions of the F1 of the longest run of parts that an answer shares with a right one."""
    in_parts = [[parts_of(text) for text in rights or ("",)] for rights in gold]
    overlap = or_both_empty(_longest_run) if has_unanswerable(gold, spec) else _longest_run
    return mean_of_nearest(overlap, in_parts, [parts_of(told) for told in answers])


def parts_of(text: str) -> list[str]:
    """The parts of an answer that count: Han characters and English words."""
    runs: list[str] = _HAN_OR_RUN.findall(_plain(text))
    return [part for run in runs for part in english_words(run)]


def _plain(text: str) -> str:
    return text.lower().strip().translate(_UNCOUNTED)


def _longest_run(right: list[str], told: list[str]) -> float:
    shared = SequenceMatcher(None, right, told, autojunk=False).find_longest_match().size
    return f1_of(shared, len(right), len(told))
