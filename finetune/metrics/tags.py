"""Metrics of entities: seqeval's default mode, which is CoNLL's own scorer `conlleval`.

A stray I- opens an entity. Published CoNLL scores are of that kind; seqeval's strict mode would drop such an entity.
"""

import seqeval.metrics
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

from finetune.metrics.answers import Answers
from finetune.tasks.spec import OUTSIDE, TaskSpec


def entity_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """F1 over whole entities, type and both ends right, pooled over sentences; 0 where there are none."""
    return float(seqeval.metrics.f1_score(_tags(gold, spec), _tags(answers, spec), zero_division=0))


def entity_macro_f1(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Mean over the declared types of each one's entity F1: what CLUENER's board counts.

    A type that neither occurs nor is predicted counts as 0, where CLUENER's script (score.py of CLUENER2020) fails.
    That script compares the entities of a sentence by their letters alone, so that a name that stands twice in it
    counts once; here each place counts.
    """
    types = {tag.split("-", 1)[1] for tag in spec.labels if tag != OUTSIDE}
    per_type = precision_recall_fscore_support(_tags(gold, spec), _tags(answers, spec), average=None, zero_division=0)[
        2
    ]
    return float(sum(per_type) / len(types))


def _tags(answers: Answers, spec: TaskSpec) -> list[list[str]]:
    return [[spec.labels[int(tag)] for tag in tags] for tags in answers]
