"""What teachers answer, for the students of a stage: asked once before its first step and kept beside its checkpoints.

A teacher is an earlier stage of the same run, or an exported model. It answers in its own way (with a head of its own,
or put into words): only the names of its classes must be the student's.

Shape letters: E examples, C classes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.answering.dev_batches import ANSWERING_TOKENS, deal, dev_batches
from finetune.answering.predictions import in_order, predict
from finetune.distill import F32, softened
from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import Encoded
from finetune.tasks.spec import TaskSpec
from pipeline.answer import content_of, folder_of, open_model
from pipeline.lineage import trained_heads
from pipeline.materials import Materials
from pipeline.recipe.identity import asked_of
from pipeline.recipe.objective_settings import DistillSettings, Teacher
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import TextOf
from pipeline.run_folder import RunFolder
from tokenization.atomic import aside
from tokenization.errors import CheckpointError, RecipeError
from tokenization.fingerprint import of_value
from training.checkpoint import StageFolder
from training.distributed import World
from training.engine import Reader
from training.manifest import read_record


@dataclass(frozen=True)
class Lesson:
    """A stream whose task learns from teachers, and the split whose rows they answer."""

    stream: str
    settings: DistillSettings
    split: str


def lessons(stage: Stage) -> Iterator[Lesson]:
    """The streams of a stage that learn from teachers."""
    for stream in stage.streams:
        for given in stream.objectives:
            if isinstance(given.settings, DistillSettings):
                assert isinstance(stream.source, TextOf)
                yield Lesson(stream.name, given.settings, stream.source.split)


def teachers_content(materials: Materials, folder: RunFolder, stage: Stage) -> dict[str, list[dict[str, Any]]]:
    """Who teaches a stage, by the content of the weights and how they are asked: what decides its soft labels, beside
    the rows.
    """
    return {
        lesson.stream: [_content(materials, folder, lesson, one) for one in lesson.settings.teacher]
        for lesson in lessons(stage)
    }


def refuse_untaught(materials: Materials, stage: Stage) -> None:
    """Refuse a teacher that was never trained on what it is to be asked.

    Raises:
        RecipeError: with the heads that the teaching stage has.
    """
    for lesson in lessons(stage):
        for teacher in lesson.settings.teacher:
            if teacher.stage is None:
                continue
            task = teacher.task or lesson.settings.task
            heads = trained_heads(materials.recipe, teacher.stage, materials.public)
            if materials.task(task).head_name not in heads:
                raise RecipeError(
                    f"stages[{stage.name}].streams[{lesson.stream}]: stage {teacher.stage} cannot teach {task}: it has "
                    f"no head for it; its heads: {', '.join(sorted(heads)) or 'none'}. A teacher is "
                    f"trained on the task up to there, by a stream {{source: {{task: {task}}}}}; or a trained language "
                    "model that is asked in words, by a task with a cloze or a prompt; or {model: FOLDER}"
                )


def soft_labels(
    materials: Materials, folder: RunFolder, world: World, stage: Stage, open_stage: Callable[[str], Reader]
) -> dict[str, F32]:
    """For each stream that learns from teachers, the mean of their softened shares of the classes, (E, C).

    Several teachers are an ensemble (Schick, Schütze 2021, EACL, section 3.3). All ranks call it and get the same.

    Args:
        open_stage: the network of a finished stage, read-only.

    Raises:
        CheckpointError: the file of earlier answers is damaged.
    """
    found: dict[str, F32] = {}
    contents = teachers_content(materials, folder, stage)
    for lesson in lessons(stage):
        spec, rows = materials.task(lesson.settings.task), materials.encoded(lesson.settings.task, lesson.split)
        key = of_value([rows.fingerprint, lesson.settings.temperature, contents[lesson.stream]])
        path = _shelf(folder.stage(stage.name)) / f"{key}.npy"
        if not all(world.gather(path.is_file())):
            answers = [_answers(materials, world, lesson, spec, one, open_stage) for one in lesson.settings.teacher]
            mean_EC = np.mean([softened(one_EC, lesson.settings.temperature) for one_EC in answers], axis=0)
            _write(path, mean_EC.astype(np.float32), world)
        found[lesson.stream] = _load(path)
    return found


def _shelf(folder: StageFolder) -> Path:
    return folder.root / "soft-labels"


def _write(path: Path, shares_EC: F32, world: World) -> None:
    if world.chief:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path) as target, target.open("wb") as file:
            np.save(file, shares_EC)
    world.wait()


def _load(path: Path) -> F32:
    try:
        found: F32 = np.load(path)
    except (OSError, EOFError, ValueError) as error:
        raise CheckpointError(
            f"{path}: cut short or damaged ({error}); remove it, and the teachers are asked anew."
        ) from None
    return found


def _content(materials: Materials, folder: RunFolder, lesson: Lesson, teacher: Teacher) -> dict[str, Any]:
    task = teacher.task or lesson.settings.task
    if teacher.stage is None:
        return {"task": task, "model": content_of(folder_of(Path(str(teacher.model))))}
    record = read_record(folder.stage(teacher.stage))
    assert record is not None, "a teacher is finished before its students are decided"
    asked = _asked(materials, task)
    return {"task": task, "weights": str(record["carry"]["hash"]), **({"asked": asked} if asked else {})}


def _asked(materials: Materials, name: str) -> dict[str, Any]:
    """How a teaching stage is asked: its weights do not tell of a task that it was never trained on."""
    task, spec = materials.recipe.tasks[name], materials.task(name)
    return {
        **asked_of(task, spec),
        **({"fields": list(spec.fields)} if spec.worded else {}),  # which text stands where in the words
        **task.model_dump(include={"length"}, exclude_defaults=True),
    }


def _answers(
    materials: Materials,
    world: World,
    lesson: Lesson,
    student: TaskSpec,
    teacher: Teacher,
    open_stage: Callable[[str], Reader],
) -> Any:
    """A teacher's shares of the student's classes, float64 (E, C), in the student's order."""
    name = teacher.task or lesson.settings.task
    examples = materials.examples(lesson.settings.task, lesson.split)
    if teacher.stage is not None:
        reader, spec, length = open_stage(teacher.stage), materials.task(name), materials.recipe.tasks[name].length
        tokenizer = materials.tokenizer
    else:
        model = open_model(Path(str(teacher.model)))
        (spec, length), reader, tokenizer = model.task(name), model.reader, model.tokenizer
        _refuse_other_classes(teacher, spec, student)
    encoded = encode_examples(spec, lesson.split, examples, tokenizer, length)
    order = [spec.labels.index(label) for label in student.labels]
    return _shares(encoded, reader, world)[:, order]


def _shares(encoded: Encoded, reader: Reader, world: World) -> Any:
    mine = predict(reader.infer, encoded, deal(dev_batches(encoded, ANSWERING_TOKENS), world.rank, world.size))
    answers = in_order((part for share in world.gather(mine) for part in share), encoded)
    return np.stack([one.scores for one in answers if one.scores is not None])


def _refuse_other_classes(teacher: Teacher, spec: TaskSpec, student: TaskSpec) -> None:
    """A stage's tasks are known from the recipe and checked there; an exported model's only now."""
    if set(spec.labels) != set(student.labels) or len(spec.fields) != len(student.fields):
        raise RecipeError(
            f"{teacher.model}: its {spec.name} ({', '.join(spec.fields)}) has the labels {', '.join(spec.labels)}; "
            f"{student.name} ({', '.join(student.fields)}), which learns from it, has {', '.join(student.labels)}"
        )
