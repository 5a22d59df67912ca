"""What is wrong in which text a stream reads of tasks, and in who teaches it."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.tasks.spec import DEV, TaskSpec
from pipeline.recipe.fill import Raw, mapping, mappings, texts
from pipeline.recipe.problems import Place, Problem
from pipeline.recipe.task import Task
from pipeline.recipe.walk import all_stages, all_streams, numbered
from tokenization.errors import RecipeError, did_you_mean


def check_taught(raw: Raw, tasks: Mapping[str, Task]) -> list[Problem]:
    """Splits that cannot be read as text; students and teachers that do not go with each other."""
    specs = {name: spec for name, task in tasks.items() if (spec := _spec(name, task))}
    problems: list[Problem] = []
    earlier: list[str] = []
    for place, stage in all_stages(raw):
        for index, stream in numbered(stage.get("streams")):
            here = (*place, "streams", index)
            problems += _of_split((*here, "source", "split"), mapping(stream.get("source")), specs)
            problems += _of_distilling(here, stream, specs, earlier)
        if isinstance(stage.get("name"), str):
            earlier.append(stage["name"])
    return problems


def model_teachers(raw: Raw) -> Iterator[tuple[Place, Raw]]:
    """The teachers of all streams in their full form, which a short one takes in place, with where they stand."""
    for place, stream in all_streams(raw):
        for index, given in numbered(stream.get("objectives")):
            settings = mapping(given.get("distill"))
            if "teacher" not in settings:
                continue
            told = settings["teacher"] if isinstance(settings["teacher"], list) else [settings["teacher"]]
            settings["teacher"] = [{"model": one} if isinstance(one, str) else one for one in told]
            here = (*place, "objectives", index, "distill", "teacher")
            yield from (((*here, number, "model"), one) for number, one in numbered(settings["teacher"]))


def _spec(name: str, task: Task) -> TaskSpec | None:
    """A task that is wrong in itself is told where it is described."""
    try:
        return task.spec(name)
    except RecipeError:
        return None


def _of_split(place: Place, source: Raw, specs: Mapping[str, TaskSpec]) -> Iterator[Problem]:
    split = source.get("split", "train")
    if "text_of" not in source or not isinstance(split, str):
        return
    if split.startswith((DEV, "test")):
        yield Problem(place, f": '{split}' is scored, so nothing is learned from its text; give train, or one of yours")
        return
    for spec in (specs[name] for name in texts(source["text_of"]) if name in specs):
        if split not in spec.splits:
            known = ", ".join(spec.splits)
            yield Problem(
                place, f": task {spec.name} has no split '{split}'; it has {known}{did_you_mean(split, spec.splits)}"
            )


def _of_distilling(here: Place, stream: Raw, specs: Mapping[str, TaskSpec], earlier: list[str]) -> Iterator[Problem]:
    objectives = stream.get("objectives")
    given = [mapping(one["distill"]) for one in mappings(objectives) if "distill" in one]
    if not given:
        return
    place, settings = (*here, "objectives"), given[0]
    if isinstance(objectives, list) and len(objectives) > 1:
        yield Problem(place, ": 'distill' reads the examples of its task whole, so it has a stream to itself")
    name = settings.get("task")
    if not isinstance(name, str):
        return  # told as missing
    if texts(mapping(stream.get("source")).get("text_of")) != [name]:
        yield Problem(place, f": 'distill' of {name} reads the text of {name}: source: {{text_of: [{name}]}}")
    student = specs.get(name)
    if student is None:
        if name not in specs:
            known = ", ".join(specs) or "none"
            yield Problem(place, f": 'distill' of '{name}', which is no task here: {known}{did_you_mean(name, specs)}")
        return
    yield from _of_student(place, student)
    for teacher in _teachers(settings.get("teacher")):
        yield from _of_teacher(place, teacher, student, specs, earlier)


def _teachers(given: Any) -> list[Raw]:
    return mappings(given if isinstance(given, list) else [given])


def _of_student(place: Place, student: TaskSpec) -> Iterator[Problem]:
    name = student.name
    if student.kind != "classification":
        yield Problem(place, f": 'distill' learns shares of classes, and {name} is of kind {student.kind}")
    elif student.worded:
        yield Problem(
            place,
            f": 'distill' trains a head of the task's own, and {name} has none, being put into words; let a task "
            "without a cloze or a prompt learn from it (like: names the same rows)",
        )
    elif student.head:
        yield Problem(place, f": 'distill' trains a head of the task's own, and {name} is answered by {student.head}'s")


def _of_teacher(
    place: Place, teacher: Raw, student: TaskSpec, specs: Mapping[str, TaskSpec], earlier: list[str]
) -> Iterator[Problem]:
    stage = teacher.get("stage")
    if not isinstance(stage, str):
        return
    if stage not in earlier:
        yield Problem(
            place,
            f": teacher '{stage}'; a teacher is a stage before this one or, with {{model: FOLDER}}, an exported model; "
            f"earlier stages: {', '.join(earlier) or 'none'}{did_you_mean(stage, earlier)}",
        )
    name = teacher.get("task") or student.name
    spec = specs.get(name)
    if spec is None:
        yield Problem(place, f": teacher's task '{name}'; tasks here: {', '.join(specs)}{did_you_mean(name, specs)}")
    elif spec.kind != "classification" or set(spec.labels) != set(student.labels):
        what = f"labels {', '.join(spec.labels)}" if spec.kind == "classification" else f"kind {spec.kind}"
        yield Problem(
            place, f": {name}, which is to teach, has {what}; {student.name} has labels {', '.join(student.labels)}"
        )
    elif len(spec.fields) != len(student.fields):
        yield Problem(place, f": {name}, which is to teach, reads {len(spec.fields)} texts, {student.name} others")
