"""`triptych evaluate` and `triptych predict`: a model folder answers its tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetune.dev_batches import ANSWERING_TOKENS, dev_batches
from finetune.evaluate import TaskScores, evaluate_task, joint
from finetune.predictions import in_order, predict, write_predictions
from finetune.tasks.encode import Encoded, encode_examples
from finetune.tasks.own import spec_from_fields
from finetune.tasks.read import read_examples
from finetune.tasks.spec import TaskSpec
from model.network import Network
from model.public import PublicModel, read_public
from model.public_load import load_into
from pipeline.export import read_tasks
from pipeline.run_folder import RunFolder, environment
from tokenization.atomic import write_json
from tokenization.errors import DataError, RecipeError, RunError, did_you_mean
from tokenization.vocabulary import Tokenizer
from training.distributed import join_world
from training.engine import Reader


@dataclass(frozen=True)
class Model:
    """An exported model, opened."""

    folder: Path
    public: PublicModel
    tokenizer: Tokenizer
    reader: Reader
    tasks: Mapping[str, tuple[TaskSpec, int]]

    def task(self, name: str) -> tuple[TaskSpec, int]:
        """A task's spec and sequence length.

        Raises:
            RecipeError: the model has no head for it.
        """
        if name not in self.tasks:
            known = ", ".join(self.tasks) or "none"
            raise RecipeError(
                f"{self.folder} has no head for task '{name}'; it has {known}{did_you_mean(name, self.tasks)}"
            )
        return self.tasks[name]


def open_model(given: Path) -> Model:
    """Open an exported model, or the one that a finished run exported.

    Raises:
        RunError: the folder is an unfinished run.
        CheckpointError: it is no model, or a damaged one.
    """
    folder = RunFolder(given).export if RunFolder(given).recipe.is_file() else given
    if folder != given and not folder.is_dir():
        raise RunError(
            f"{given} is a run without an exported model. `triptych run` goes on with one that is not finished; "
            "one with encoder.norm: pre has none, since the public format has no place for it."
        )
    public = read_public(folder)
    network = Network(public.config, public.heads)
    load_into(network, public)
    described, bf16 = read_tasks(folder)
    tasks = {name: (_spec(name, entry["spec"]), entry["length"]) for name, entry in described.items()}
    for name, (spec, _) in tasks.items():
        _same_labels(folder, name, spec.labels, public.labels.get(name, ()))
    return Model(folder, public, Tokenizer.load(folder), Reader(network, join_world(), bf16), tasks)


def evaluate_model(model: Model, names: Sequence[str], data: Path, split: str, out: Path | None) -> dict[str, Any]:
    """Score tasks on a split, all in one process.

    Args:
        out: folder for scores.json and a predictions file per task; None writes nothing.

    Returns:
        what scores.json holds.
    """
    found: list[TaskScores] = []
    data_seen: dict[str, str] = {}
    for name in names or list(model.tasks):
        encoded, train = _split(model, name, data, split), _split(model, name, data, "train")
        if train.gold is None:
            raise DataError(f"task {name}: the train split hides its labels, so there is no majority baseline")
        scores, answers = evaluate_task(model.reader.infer, encoded, train.gold, ANSWERING_TOKENS)
        found.append(scores)
        data_seen[name] = encoded.fingerprint
        if out is not None:
            write_predictions(out / "predictions" / f"{name}.jsonl", encoded, answers)
    if not found:
        raise RecipeError(f"{model.folder} has no task heads, so there is nothing to evaluate.")
    result = {
        "joint": joint(found),
        "tasks": {scores.name: asdict(scores) for scores in found},
        "data": data_seen,
        "versions": environment()["versions"],
    }
    if out is not None:
        write_json(out / "scores.json", result)
    return result


def predict_file(model: Model, name: str, file: Path, out: Path) -> int:
    """Answer each row of a file in the task's columns, without labels; writes JSON lines of id and label by name.

    Returns:
        the number of rows.
    """
    spec, length = model.task(name)
    asked = replace(spec, files={"input": str(file.absolute())}, hidden=("input",), limit={})
    examples = read_examples(asked, Path("/"), "input", str(file))
    encoded = encode_examples(asked, "input", examples, model.tokenizer, length)
    answers = in_order(predict(model.reader.infer, encoded, dev_batches(encoded, ANSWERING_TOKENS)), len(encoded))
    write_predictions(out, encoded, answers)
    return len(answers)


def _split(model: Model, name: str, data: Path, split: str) -> Encoded:
    spec, length = model.task(name)
    examples = read_examples(spec, data, split, f"{data} (--data, the run's own, or TRIPTYCH_DATA)")
    return encode_examples(spec, split, examples, model.tokenizer, length)


def _spec(name: str, fields: Mapping[str, Any]) -> TaskSpec:
    """The spec that `export` wrote, checked like a user's own."""
    ours = {key: fields[key] for key in ("version", "reduced")}
    given = {key: value for key, value in fields.items() if key not in (*ours, "name") and value not in (None, [], {})}
    return replace(spec_from_fields(name, **given), **ours)


def _same_labels(folder: Path, name: str, expected: Sequence[str], stored: Sequence[str]) -> None:
    if tuple(expected) != tuple(stored):
        raise RecipeError(
            f"{folder}: task '{name}' names the labels {list(expected)}, the model was trained with {list(stored)}. "
            "Scores would be those of swapped labels; use the labels of the model, in its order."
        )
