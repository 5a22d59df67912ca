"""Every metric by its name in `finetune.tasks.metric_names`."""

from finetune.metrics.answers import Answers, Metric
from finetune.metrics.candidates import mrr
from finetune.metrics.classes import accuracy, accuracy_f1, all_labels_right, auc, f1, macro_f1, matthews, micro_f1
from finetune.metrics.reading import same_words, span_f1
from finetune.metrics.reading_zh import exact_match_zh, span_f1_zh
from finetune.metrics.regression import mape, pearson, pearson_spearman, rmse, spearman
from finetune.metrics.tags import entity_f1, entity_macro_f1
from finetune.metrics.text import bleu, chrf, exact_words, same_text
from finetune.tasks.metric_names import FROM_SCORES
from finetune.tasks.spec import TaskSpec


def exact_match(gold: Answers, answers: Answers, spec: TaskSpec) -> float:
    """Share of examples whose labels are all right, whose answer has a right one's words, or whose text is the same."""
    same = {"multilabel": all_labels_right, "generation": same_text}.get(spec.kind, same_words)
    return same(gold, answers, spec)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "f1": f1,
    "macro_f1": macro_f1,
    "micro_f1": micro_f1,
    "matthews": matthews,
    "accuracy_f1": accuracy_f1,
    "auc": auc,
    "pearson": pearson,
    "spearman": spearman,
    "pearson_spearman": pearson_spearman,
    "rmse": rmse,
    "mape": mape,
    "mrr": mrr,
    "entity_f1": entity_f1,
    "entity_macro_f1": entity_macro_f1,
    "exact_match": exact_match,
    "span_f1": span_f1,
    "exact_match_zh": exact_match_zh,
    "span_f1_zh": span_f1_zh,
    "bleu": bleu,
    "chrf": chrf,
    "exact_words": exact_words,
}


def score(spec: TaskSpec, gold: Answers, answers: Answers, scores: Answers | None = None) -> dict[str, float]:
    """Every metric of the task, the primary one included.

    Args:
        scores: what the metrics of `FROM_SCORES` read in the place of the answers; None where the task names none.

    Raises:
        ValueError: no examples, not one answer per example, or no scores for a metric that reads them.
    """
    if len(gold) != len(answers) or len(gold) == 0:
        raise ValueError(f"{spec.name}: {len(answers)} predictions for {len(gold)} labels")
    told: dict[str, Answers] = {}
    for name in spec.metrics:
        given = scores if name in FROM_SCORES else answers
        if given is None or len(given) != len(gold):
            raise ValueError(f"{spec.name}: {name} reads the scores of {len(gold)} examples, and they were not given")
        told[name] = given
    return {name: METRICS[name](gold, given, spec) for name, given in told.items()}
