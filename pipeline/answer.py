"""A model folder, opened to answer its tasks; `triptych predict`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from finetune.answering.dev_batches import ANSWERING_TOKENS, dev_batches
from finetune.answering.predictions import in_order, write_predictions
from finetune.answering.split_answers import answer_batches
from finetune.encoding.encode import encode_examples
from finetune.reading.archive import find_file
from finetune.reading.read import read_split
from finetune.tasks.own import spec_from_fields
from finetune.tasks.spec import TaskSpec
from finetune.tasks.table import TASKS
from model.network import Network
from model.packed import pack_encoder
from model.public import HEADS, PublicModel, read_public
from model.public_load import load_into
from model.weights_file import weights_file
from pipeline.export import TASKS as DESCRIBED
from pipeline.export import read_tasks
from pipeline.materials import Materials
from pipeline.output_places import refuse_output_file
from pipeline.recipe.load import load_recipe
from pipeline.run_folder import RunFolder
from tokenization.errors import DataError, RecipeError, RunError, did_you_mean
from tokenization.fingerprint import of_files
from tokenization.vocabulary import Tokenizer
from training.distributed import join_world
from training.engine import Reader


@dataclass(frozen=True)
class Model:
    """An exported model, opened.

    Attributes:
        tasks: name → spec and sequence length, of the tasks that it was trained on.
        declared: name → where a task is described today, and its labels there: in the run's recipe, or the built-in
            table.
        packed: whether the encoder is packed for few rows, which changes its last bits.
    """

    folder: Path
    public: PublicModel
    tokenizer: Tokenizer
    reader: Reader
    tasks: Mapping[str, tuple[TaskSpec, int]]
    declared: Mapping[str, tuple[str, tuple[str, ...]]]
    packed: bool = False

    def answers(self, name: str) -> bool:
        """Whether one of the heads answers a task: its own, or the one that the built-in table names."""
        return name in self.tasks or (name in TASKS and TASKS[name].answered_by in self.tasks)

    def task(self, name: str) -> tuple[TaskSpec, int]:
        """A task's spec and sequence length.

        Raises:
            RecipeError: the model has no head for it, or one with other labels.
        """
        if not self.answers(name):
            known = ", ".join(self.tasks) or "none"
            raise RecipeError(
                f"{self.folder} has no head for task '{name}'; it has {known}{did_you_mean(name, self.tasks)}"
            )
        if name in self.tasks:
            return self.tasks[name]
        spec = TASKS[name]
        asked, length = self.tasks[spec.answered_by]
        _same_labels(self.folder, name, spec.labels, asked.labels)
        return spec.read_like(asked), length

    @cached_property
    def fingerprint(self) -> str:
        return content_of(self.folder)


def content_of(folder: Path) -> str:
    """The content of a model's weights and of what it says of its tasks."""
    others = (path for path in (folder / HEADS, folder / DESCRIBED) if path.is_file())
    return of_files([weights_file(folder), *others])


def folder_of(given: Path) -> Path:
    """The folder of an exported model, or of the one that a run exported."""
    return RunFolder(given).export if RunFolder(given).recipe.is_file() else given


def open_model(given: Path, few_rows: bool = False) -> Model:
    """Open an exported model, or the one that a finished run exported.

    Args:
        few_rows: whether it is to answer one sentence at a time, so that packing its matrices on a CPU is worth the
            while (a third of a second, and as much memory again). Answers then differ from those of the run by
            rounding.

    Raises:
        RunError: the folder is an unfinished run.
        CheckpointError: it is no model, or a damaged one.
    """
    folder = folder_of(given)
    if folder != given and not folder.is_dir():
        raise RunError(
            f"{given} is a run without an exported model. `triptych run` goes on with one that is not finished; of a "
            f"finished one, as of a further seed, `triptych export {given} --to DIR` writes the model, and DIR is what "
            "to give here; one with encoder.norm: pre has none, since the public format has no place for it."
        )
    public = read_public(folder)
    network = Network(public.config, public.heads, conditions=public.conditions)
    load_into(network, public)
    world = join_world()
    packed = few_rows and world.device.type == "cpu" and pack_encoder(network.encoder)
    described, bf16 = read_tasks(folder)
    tasks = {name: (_spec(name, entry["spec"]), entry["length"]) for name, entry in described.items()}
    for name, (spec, _) in tasks.items():
        if spec.worded:  # the language model's head knows of no labels: the task's own words say them
            continue
        _same_labels(folder, name, spec.labels, public.labels.get(spec.answered_by, ()))
    declared = _declared(RunFolder(given), tasks)
    return Model(folder, public, Tokenizer.load(folder), Reader(network, world, bf16), tasks, declared, packed)


def _declared(run: RunFolder, tasks: Mapping[str, tuple[TaskSpec, int]]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Of a task of the user's own that no recipe stands beside, nothing is known but what the model says."""
    if run.recipe.is_file():
        materials = Materials(load_recipe(run.recipe), run.store, lambda line: None, make=False)
        known = {name: materials.task(name).labels for name in materials.recipe.tasks}
        return {name: (f"the recipe {run.recipe}", labels) for name, labels in known.items()}
    return {
        name: ("the built-in table", TASKS[name].labels)
        for name, (spec, _) in tasks.items()
        if name in TASKS and spec.citation == TASKS[name].citation
    }


def predict_file(model: Model, name: str, file: Path, out: Path) -> int:
    """Answer each row of a file in the task's columns, without labels; writes JSON lines of id, label and scores.

    Returns:
        the number of rows.

    Raises:
        DataError: there is no such file, or its rows cannot be read.
        RecipeError: the answers would take the place of the rows, or of a folder.
    """
    spec, length = model.task(name)
    _refuse_no_rows(file)
    refuse_output_file("--out", out, {"--input": file})
    asked = replace(_rows_of(spec, file), files={"input": str(file.absolute())}, hidden=("input",), limit={}, rows={})
    examples = read_split(asked, Path("/"), "input", str(file)).examples
    encoded = encode_examples(asked, "input", examples, model.tokenizer, length)
    batches = dev_batches(encoded, ANSWERING_TOKENS)
    predictions = in_order(answer_batches(model.reader, encoded, batches, model.tokenizer), encoded)
    write_predictions(out, encoded, predictions)
    return len(predictions)


def _rows_of(spec: TaskSpec, file: Path) -> TaskSpec:
    """The task, read from a table's columns where the file is one, though it was trained on aligned lines."""
    is_table = file.suffix in (".tsv", ".csv", ".json", ".jsonl", ".parquet")
    return replace(spec, layout="rows") if spec.layout == "parallel_lines" and is_table else spec


def _refuse_no_rows(file: Path) -> None:
    if find_file(Path("/"), str(file.absolute())) is None:
        wrong = "is a folder, but a file of rows is expected" if file.is_dir() else "does not exist"
        raise DataError(f"--input {file} {wrong}.")


def _spec(name: str, fields: Mapping[str, Any]) -> TaskSpec:
    """The spec that `export` wrote, checked like a user's own."""
    left_out = ("version", "name")
    given = {key: value for key, value in fields.items() if key not in left_out and value not in (None, "", [], {})}
    return replace(spec_from_fields(name, **given), version=fields["version"])


def _same_labels(folder: Path, name: str, expected: Sequence[str], stored: Sequence[str]) -> None:
    if tuple(expected) != tuple(stored):
        raise RecipeError(
            f"{folder}: task '{name}' names the labels {list(expected)}, the model was trained with {list(stored)}. "
            "Scores would be those of swapped labels; use the labels of the model, in its order."
        )
