"""`triptych features`: a frozen encoder's vectors of a task's texts, stored, and a light classifier on them.

A vector is pooled without anything learned; on the training split's vectors a logistic regression is fitted (of scores,
a ridge regression), the development splits' are scored.

Shape letters: E examples, W width of a vector, C classes.
"""

import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from finetune.answering.predictions import Prediction
from finetune.encoding.encode import Encoded, encode_examples
from finetune.evaluate import TaskScores, score_task
from finetune.reading.leaks import leaked_rows
from finetune.reading.read import read_split
from finetune.tasks.example import Split
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
from finetune.tasks.table import TASKS, find_task
from model.design import ROW
from pipeline.answer import Model
from pipeline.data_folder import DataFolder
from pipeline.features_store import FeatureStore
from pipeline.run_folder import environment
from tokenization.atomic import write_json
from tokenization.errors import CheckpointError, DataError, RecipeError, did_you_mean

KINDS = ("classification", "regression")
ITERATIONS = 1000
LENGTH = 128
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """A task whose vectors are wanted, and the tokens that its sequences are cut to."""

    spec: TaskSpec
    length: int


def asked_tasks(model: Model, names: Sequence[str]) -> list[Asked]:
    """The tasks named, of the model or of the built-in table; by default all of the model's that can be done.

    Raises:
        RecipeError: a task that nobody knows, or of a kind that one vector cannot answer.
    """
    known = {name: Asked(_plain(spec), length) for name, (spec, length) in model.tasks.items()}
    if not names:
        names = [name for name, asked in known.items() if asked.spec.kind in KINDS]
    if not names:
        raise RecipeError(f"{model.folder} brings no task of {' or '.join(KINDS)}; name some with --tasks.")
    longest = min(LENGTH, model.public.config.positions)
    found = [known.get(name) or Asked(_plain(_built_in(model, name)), longest) for name in dict.fromkeys(names)]
    wrong = [
        f"task {asked.spec.name}: of kind {asked.spec.kind}, where an answer is not read off one vector of a text; "
        f"features go with {' and '.join(KINDS)}"
        for asked in found
        if asked.spec.kind not in KINDS
    ]
    if wrong:
        raise RecipeError("\n".join(wrong))
    return found


def left_out(model: Model) -> list[str]:
    """A line for the tasks of the model that are not done where none are named."""
    names = [f"{name} ({spec.kind})" for name, (spec, _) in model.tasks.items() if spec.kind not in KINDS]
    why = f"one vector of a text answers tasks of {' and '.join(KINDS)} alone"
    return [f"left out, since {why}: {', '.join(names)}"] if names else []


def _built_in(model: Model, name: str) -> TaskSpec:
    if name not in TASKS:
        known = [*model.tasks, *TASKS]
        raise RecipeError(
            f"--tasks {name}: neither a task of {model.folder} ({', '.join(model.tasks) or 'it has none'}) nor a "
            f"built-in one ({', '.join(TASKS)}){did_you_mean(name, known)}"
        )
    return find_task(name)


def extract_and_fit(
    model: Model, asked: Sequence[Asked], data: DataFolder, store: FeatureStore, out: Path, say: Say
) -> dict[str, Any]:
    """Vectors of each task, a classifier on them, and its scores; all written to `out`, beside what an earlier call
    with the same model, pool and layer wrote there of other tasks, whatever data and versions those are of: each task
    names its own.

    Returns:
        what `out` holds, of these tasks alone.

    Raises:
        RecipeError: vectors are asked of rows that have seen nothing of their texts.
        DataError: a split is missing, or its labels cannot be learned from.
        CheckpointError: what stands in `out` is damaged.
    """
    decides = {"model": model.fingerprint, "pool": store.pool, "layer": store.layer}
    earlier, replaced = _earlier(out, decides)
    _refuse_blind(asked, store.pool)
    tasks: dict[str, Any] = {}
    for task in asked:
        tasks |= _of_task(model, task, data, store, say)
    every = {**earlier, **tasks}
    write_json(out, {**decides, "tasks": every, "notes": _notes(every)})
    return {**decides, "tasks": tasks, "notes": [*_notes(tasks), *replaced]}


def _notes(tasks: Mapping[str, Any]) -> list[str]:
    return [note for task in tasks.values() for note in task["notes"]]


def _earlier(out: Path, decides: Mapping[str, str]) -> tuple[Mapping[str, Any], list[str]]:
    """The scores that a file holds, where they are of the same vectors; and what is to be said where they are not."""
    if not out.is_file():
        return {}, []
    try:
        found = json.loads(out.read_text(encoding="utf-8"))
        differ = [key for key, value in decides.items() if found[key] != value]
        tasks: Mapping[str, Any] = found["tasks"]
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(f"{out} is damaged. Remove it and run the same command again.") from None
    if not differ:
        return tasks, []
    gone = ", ".join(tasks)
    return {}, [f"{out} held scores of another {' and '.join(differ)} ({gone}): replaced; another --out keeps both"]


def _of_task(model: Model, asked: Asked, data: DataFolder, store: FeatureStore, say: Say) -> dict[str, Any]:
    spec = asked.spec
    rows = {split: read_split(spec, data.path, split, data.origin) for split in (TRAIN, *_dev(spec))}
    encoded = {split: _encoded(model, asked, split, given) for split, given in rows.items()}
    features = {split: store.features(given) for split, given in encoded.items()}
    for split, found in features.items():
        how = "stored" if found.stored else f"computed in {found.seconds:.1f} s"
        say(f"{spec.name}, {split}: {len(found.vectors_EW):,} vectors {how}")
    begun = time.monotonic()
    classifier, note = _fitted(encoded[TRAIN], features[TRAIN].vectors_EW)
    seconds = time.monotonic() - begun
    told: dict[str, Any] = {}
    for split in _dev(spec):
        leaked_N = leaked_rows(rows[TRAIN].examples, rows[split].examples)
        scores = _scores(encoded[TRAIN], encoded[split], features[split].vectors_EW, classifier, leaked_N)
        shown = spec.name if not told else f"{spec.name} ({split})"
        told[shown] = {
            **asdict(scores),
            "seconds": {"vectors": features[TRAIN].seconds + features[split].seconds, "fit": seconds},
            "stored": features[TRAIN].stored and features[split].stored,
            "addresses": {TRAIN: features[TRAIN].address, split: features[split].address},
            "folder": str(data.path.absolute()),
            "data": {TRAIN: encoded[TRAIN].fingerprint, split: encoded[split].fingerprint},
            "versions": environment()["versions"],
            "notes": [f"{shown}: {note}"] if note else [],
        }
    return told


def _plain(spec: TaskSpec) -> TaskSpec:
    """The task as a text and its label, however a head of the model would ask for it."""
    return replace(spec.plain, design=ROW, head="", condition=0)


def _refuse_blind(asked: Sequence[Asked], pool: str) -> None:
    wrong = [
        f"--pool {pool}: task {task.spec.name} is read with attention: {task.spec.attention}, where from left to right "
        "the first row sees itself alone and is the same for every text; give --pool mean or concat"
        for task in asked
        if pool == "first" and "left" in task.spec.ways
    ]
    if wrong:
        raise RecipeError("\n".join(wrong))


def _dev(spec: TaskSpec) -> tuple[str, ...]:
    found = tuple(split for split in spec.named(DEV) if split not in spec.hidden)
    if not found:
        raise DataError(f"task {spec.name!r} has no development split with labels, so that nothing could be scored.")
    return found


def _encoded(model: Model, asked: Asked, split: str, rows: Split) -> Encoded:
    return encode_examples(asked.spec, split, rows.examples, model.tokenizer, asked.length, rows.dropped, rows.limited)


def _fitted(train: Encoded, vectors_EW: NDArray[np.float32]) -> tuple[Any, str]:
    """The classifier, and what is to be said of it."""
    gold = np.array(train.gold)
    if train.spec.kind == "regression":
        return Ridge().fit(vectors_EW, gold), ""
    if len(np.unique(gold)) < 2:
        raise DataError(f"task {train.spec.name!r}: all rows of train have one label, so nothing can be learned.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        fitted = LogisticRegression(max_iter=ITERATIONS).fit(vectors_EW, gold)
    unfinished = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    return fitted, f"the logistic regression did not converge in {ITERATIONS} iterations" if unfinished else ""


def _scores(
    train: Encoded, encoded: Encoded, vectors_EW: NDArray[np.float32], classifier: Any, leaked_N: NDArray[np.bool_]
) -> TaskScores:
    assert train.gold is not None, "train has labels"
    return score_task(encoded, _predictions(encoded.spec, vectors_EW, classifier), train.gold, leaked_N)


def _predictions(spec: TaskSpec, vectors_EW: NDArray[np.float32], classifier: Any) -> list[Prediction]:
    if spec.kind == "regression":
        scores_E = np.clip(classifier.predict(vectors_EW), *spec.score_range)
        return [Prediction(example, score) for example, score in enumerate(scores_E.tolist())]
    shares_EC = np.zeros((len(vectors_EW), len(spec.labels)))
    shares_EC[:, classifier.classes_] = classifier.predict_proba(vectors_EW)
    return [Prediction(example, int(share_C.argmax()), share_C) for example, share_C in enumerate(shares_EC)]
