"""Which metrics a task can name. Apart from their computation, so that reading a recipe loads no scientific library."""

METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "f1", "macro_f1", "micro_f1", "matthews", "accuracy_f1", "auc"),
    "multilabel": ("micro_f1", "macro_f1", "exact_match", "auc"),
    "regression": ("pearson", "spearman", "pearson_spearman", "rmse", "mape"),
    "ranking": ("accuracy", "mrr"),
    "choice": ("accuracy",),
    "tagging": ("entity_f1", "entity_macro_f1", "accuracy"),
    "span": ("exact_match", "span_f1", "exact_match_zh", "span_f1_zh"),
    "generation": ("bleu", "chrf", "exact_match", "exact_words"),
}
"""Kind → its metrics; the first is what is usual, for regression the mean of both correlations."""

TWO_CLASSES_ONLY = ("f1", "accuracy_f1")
LOWER_IS_BETTER = ("rmse", "mape")
FROM_SCORES = ("auc", "mrr")
"""Metrics of the scores rather than of the answers."""
