"""Metrics of texts that were written, beside one reference each; BLEU and chrF are sacrebleu's (Post 2018).

They are told on the unit scale of the other metrics, since the joint score is a mean: sacrebleu's number over 100.
References are the texts of the files, never cut into tokens by us; where the model's vocabulary is in lower case they
are put in lower case when they are encoded.
"""

from sacrebleu.metrics import BLEU, CHRF

from finetune.metrics.answers import Answers
from finetune.metrics.reading import words_of
from finetune.tasks.spec import TaskSpec

_PERCENT = 100.0
_USUAL = "13a"


def bleu(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """BLEU of the corpus (Papineni et al. 2002), over 100; words as in WMT's 13a, of Chinese its characters."""
    metric = BLEU(tokenize=spec.language or _USUAL, force=True)  # force: no warning where full stops stand apart
    return float(metric.corpus_score(list(answers), [list(gold)]).score) / _PERCENT


def chrf(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """chrF2 of the corpus (Popović 2015), over 100: F of n-grams of up to six characters, blanks left out."""
    return float(CHRF().corpus_score(list(answers), [list(gold)]).score) / _PERCENT


def same_text(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of texts that are their reference, blanks left out: how a text is spaced is not the model's doing."""
    same = ["".join(told.split()) == "".join(right.split()) for right, told in zip(gold, answers, strict=True)]
    return sum(same) / len(same)


def exact_words(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of texts that have their reference's words by SQuAD's rules: case, punctuation and articles left out."""
    same = [words_of(told) == words_of(right) for right, told in zip(gold, answers, strict=True)]
    return sum(same) / len(same)
