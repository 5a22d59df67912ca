"""What is wrong in which text a stream reads of tasks, and in who teaches it."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.tasks.spec import DEV, TaskSpec
from pipeline.recipe.fill import Raw, mapping, mappings, texts
from pipeline.recipe.problems import Place, Problem
from pipeline.recipe.walk import all_stages, all_streams, numbered, unknown_names
from tokenization.errors import did_you_mean


def check_taught(raw: Raw, specs: Mapping[str, TaskSpec]) -> list[Problem]:
    """Splits that cannot be read as text; students and teachers that do not go with each other."""
    problems: list[Problem] = []
    earlier: list[str] = []
    for place, stage in all_stages(raw):
        for index, stream in numbered(stage.get("streams")):
            here = (*place, "streams", index)
            problems += _of_split((*here, "source", "split"), mapping(stream.get("source")), specs)
            problems += _of_distilling(here, stream, raw, specs, earlier)
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


def _of_distilling(
    here: Place, stream: Raw, raw: Raw, specs: Mapping[str, TaskSpec], earlier: list[str]
) -> Iterator[Problem]:
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
    teachers = [one for one in _teachers(settings.get("teacher")) if isinstance(one.get("stage"), str)]
    yield from unknown_names(name, raw, "tasks", (*place, 0, "distill", "task"))
    for teacher in teachers:
        yield from _of_teacher_stage(place, teacher["stage"], earlier)
        yield from unknown_names(teacher.get("task"), raw, "tasks", (*place, 0, "distill", "teacher", "task"))
    student = specs.get(name)
    if student is None:
        return
    yield from _of_student(place, student, raw)
    for teacher in teachers:
        for taught_by in texts(teacher.get("task") or name):
            if taught_by in specs:
                yield from _of_teacher(place, specs[taught_by], student)


def _teachers(given: Any) -> list[Raw]:
    return mappings(given if isinstance(given, list) else [given])


def _of_student(place: Place, student: TaskSpec, raw: Raw) -> Iterator[Problem]:
    name = student.name
    if student.kind != "classification":
        yield Problem(place, f": 'distill' learns shares of classes, and {name} is of kind {student.kind}")
    elif student.worded:
        is_own = "kind" in mapping(mapping(raw.get("tasks")).get(name))
        how = "described a second time with the same files" if is_own else f"with like: {student.chosen_as}"
        yield Problem(
            place,
            f": 'distill' trains a head of the task's own, and {name} has none, being put into words; let a task "
            f"without a cloze or a prompt, {how}, learn from it",
        )
    elif student.head:
        yield Problem(place, f": 'distill' trains a head of the task's own, and {name} is answered by {student.head}'s")


def _of_teacher_stage(place: Place, stage: str, earlier: list[str]) -> Iterator[Problem]:
    if stage not in earlier:
        yield Problem(
            place,
            f": teacher '{stage}'; a teacher is a stage before this one or, with {{model: FOLDER}}, an exported model; "
            f"earlier stages: {', '.join(earlier) or 'none'}{did_you_mean(stage, earlier)}",
        )


def _of_teacher(place: Place, teacher: TaskSpec, student: TaskSpec) -> Iterator[Problem]:
    name = f"{teacher.name}, which is to teach,"
    if teacher.kind != "classification" or set(teacher.labels) != set(student.labels):
        what = f"labels {', '.join(teacher.labels)}" if teacher.kind == "classification" else f"kind {teacher.kind}"
        yield Problem(place, f": {name} has {what}; {student.name} has labels {', '.join(student.labels)}")
    elif len(teacher.fields) != len(student.fields):
        yield Problem(place, f": {name} reads {len(teacher.fields)} texts, {student.name} others")
