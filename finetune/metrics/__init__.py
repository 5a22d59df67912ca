"""Metrics of labelled tasks, each a function of (gold, answers or scores, spec), and the baseline beside them."""

from finetune.metrics.baseline import majority
from finetune.metrics.table import METRICS, score

__all__ = ["METRICS", "majority", "score"]
