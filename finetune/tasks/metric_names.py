"""Which metrics a task can name. Apart from their computation, so that reading a recipe loads no scientific library."""

METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "f1", "macro_f1", "matthews", "accuracy_f1"),
    "regression": ("pearson", "spearman", "pearson_spearman", "rmse"),
    "tagging": ("entity_f1", "accuracy"),
}
TWO_CLASSES_ONLY = ("f1", "accuracy_f1")
LOWER_IS_BETTER = ("rmse",)
