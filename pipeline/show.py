"""`triptych show`: the exact sequences, masks, labels and weights of a step. Addresses make it free."""

import itertools

import numpy as np

from finetune.encoding.encoded import ENDS, STARTS
from finetune.tasks.spec import GROUPED
from model.batch import IGNORED, FlatBatch, Selection
from model.heads import DECODER
from pipeline.compose import mixture_of, plan_of
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from tokenization.errors import RecipeError
from tokenization.vocabulary import Tokenizer
from training.batching import Part, draw_step, flat_batch
from training.mixture import Mixture

_OF_TOKENS = ("mlm", "causal", "seq2seq", "mass", "generation")  # objectives whose labels are tokens
_BOUNDS = {0: "", STARTS: "start", ENDS: "end", STARTS | ENDS: "start and end"}


def step_text(materials: Materials, stage: Stage, step: int, limit: int | None = None) -> str:
    """A step as text, numbered from 1 as the logs do: rate, weights, and each sequence of each micro-batch.

    A chosen token stands as `[given→wanted]`, a row's other label as `{label}`.

    Args:
        limit: sequences shown of each micro-batch; None shows all.

    Raises:
        RecipeError: the stage has no such step.
    """
    if not 1 <= step <= stage.steps:
        raise RecipeError(f"stage {stage.name} has steps 1 to {stage.steps}; given --step {step}")
    mixture, plan = mixture_of(materials, stage), plan_of(materials.recipe, stage)
    before = step - 1  # what is drawn and weighed follows from the steps taken before
    draw = draw_step(mixture, before, plan.budget)
    batches = [flat_batch(mixture, part) for part in draw.parts]
    lines = [
        f"stage {stage.name}, step {step} of {stage.steps}",
        f"rate {plan.rate * plan.schedule.factor(before, plan.steps):.6g}",
    ]
    lines += _weight_lines(mixture, before, plan.steps, batches)
    for m, (part, batch) in enumerate(zip(draw.parts, batches, strict=True)):
        lines.append(f"micro-batch {m}: {len(batch.tokens_T)} tokens, {len(batch.lengths_N)} sequences")
        origins, texts = _origins(mixture, part), _sequences(batch, materials.tokenizer)
        shown = range(len(texts) if limit is None else min(limit, len(texts)))
        lines += [f"  {origins[i]}: {texts[i]}" for i in shown]
        if len(shown) < len(texts):
            lines.append(f"  … {len(texts) - len(shown)} more (--all shows them)")
    return "\n".join(lines) + "\n"


def _weight_lines(mixture: Mixture, before: int, steps: int, batches: list[FlatBatch]) -> list[str]:
    counts_K = np.sum([[selection.count for selection in batch.selections] for batch in batches], axis=0)
    weights = mixture.weights(before, steps)
    return [
        f"  {question.name}: weight {weight:.6g}, {int(count)} labels"
        for question, weight, count in zip(mixture.questions, weights, counts_K, strict=True)
    ]


def _origins(mixture: Mixture, part: Part) -> list[str]:
    """The stream and the draw of each sequence; those of one item share them."""
    return [
        f"{stream.name} draw {draw}"
        for stream, draws_K in zip(mixture.streams, part, strict=True)
        if len(draws_K)
        for draw in stream.source.draw(draws_K, stream.key).draws_N.tolist()
    ]


def _sequences(batch: FlatBatch, tokenizer: Tokenizer) -> list[str]:
    words = [tokenizer.piece(int(token)) for token in batch.tokens_T]
    targets = [] if batch.targets is None else [tokenizer.piece(int(token)) for token in batch.targets.tokens_U]
    for selection in batch.selections:
        for row, label in zip(_labelled_rows(selection), selection.labels_M.tolist(), strict=True):
            if label == IGNORED or (isinstance(label, list) and label[0] == IGNORED):
                continue
            if selection.objective in _OF_TOKENS:
                asked = targets if selection.head == DECODER else words
                asked[row] = f"[{asked[row]}→{tokenizer.piece(int(label))}]"
            elif shown := _label(selection.objective, label):
                words[row] = f"{words[row]}{{{selection.objective}: {shown}}}"
    texts = _joined(words, batch.offsets_N1.tolist())
    if batch.targets is not None:
        given = _joined(targets, batch.targets.offsets_J1.tolist())
        for sequence, text in zip(batch.targets.memory_J.tolist(), given, strict=True):
            texts[sequence] += f" | decoder: {text}"
    return texts


def _joined(words: list[str], bounds: list[int]) -> list[str]:
    return [" ".join(words[start:stop]) for start, stop in itertools.pairwise(bounds)]


def _labelled_rows(selection: Selection) -> list[int]:
    """The row at which each label is shown: its own, or the one that stands for the run that it is the answer to."""
    if selection.runs_P1 is None or len(selection.labels_M) == len(selection.rows_M):
        return selection.rows_M.tolist()
    if selection.objective == "tagging":  # each word is read in two directions, and shown where it is first
        return selection.rows_M[selection.sides_M == 0].tolist()
    return selection.rows_M[selection.runs_P1[:-1]].tolist()


def _label(objective: str, label: float | list[float]) -> str:
    """A row's label as text; nothing for the tokens of a text at which no answer starts or ends."""
    if objective == "distill" and isinstance(label, list):
        return " ".join(f"{share:.2f}" for share in label)
    if isinstance(label, list):
        return ", ".join(str(place) for place, given in enumerate(label) if given) or "none"
    if objective == "span":
        return _BOUNDS[int(label)]
    return ("wrong", "right")[int(label)] if objective in GROUPED else f"{label:g}"
