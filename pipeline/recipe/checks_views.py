"""What must agree between cross-view training and the task whose views it holds against each other."""

from collections.abc import Iterator, Mapping

from finetune.tasks.spec import TaskSpec
from finetune.view_consistency import SUPPORTED, views_head
from model.design import ROW
from pipeline.recipe.fill import Raw, mapping, mappings, texts
from pipeline.recipe.problems import Place, Problem
from pipeline.recipe.walk import all_stages, numbered, unknown_names

NAME = "view_consistency"


def check_views(raw: Raw, specs: Mapping[str, TaskSpec]) -> list[Problem]:
    """Cross-view training of tasks that are not there, that it does not fit, or that their stage does not train."""
    return [
        problem
        for place, stage, stream, task in _asked(raw)
        for problem in (
            *unknown_names(task, raw, "tasks", (*place, "task")),
            *_of_task(task, specs, place),
            *_of_stage(task, stage, place),
            *_of_text(task, stream, specs, place),
        )
    ]


def gives_pairs(spec: TaskSpec) -> bool:
    """Whether a sequence of a task's text holds two: no text to write, and none of two that are read apart."""
    return (spec.kind == "span" or len(spec.fields) >= 2) and spec.design.pool != "siamese"


def _asked(raw: Raw) -> Iterator[tuple[Place, Raw, Raw, str]]:
    """Each asking for it: its place, its stage, its stream, and the task that it names."""
    for at_stage, stage in all_stages(raw):
        for index, stream in numbered(stage.get("streams")):
            for number, objective in numbered(stream.get("objectives")):
                task = mapping(objective.get(NAME)).get("task")
                if isinstance(task, str):
                    yield (*at_stage, "streams", index, "objectives", number, NAME), stage, stream, task


def _of_task(name: str, specs: Mapping[str, TaskSpec], place: Place) -> Iterator[Problem]:
    """The full view is answered by the task's own head, a row at a time."""
    spec = specs.get(name)
    if spec is None:
        return
    if spec.kind not in SUPPORTED:
        yield Problem((*place, "task"), f": {name} is of kind {spec.kind}; allowed: {' and '.join(SUPPORTED)}")
    elif spec.head_name != name:
        yield Problem((*place, "task"), f": {name} has no head of its own: head '{spec.head_name}' answers it")
    elif spec.design != ROW or spec.attention != "both":
        yield Problem(
            (*place, "task"),
            f": {name} is not read at single rows of the last layer that see both ways, as the full view is; "
            f"leave out tasks.{name}.head and tasks.{name}.attention",
        )
    if views_head(name) in specs:
        yield Problem(("tasks", views_head(name)), f": the head of {name}'s views is called so; choose another name")


def _of_stage(name: str, stage: Raw, place: Place) -> Iterator[Problem]:
    """An untrained head has nothing to teach."""
    labelled = {
        task for stream in mappings(stage.get("streams")) for task in texts(mapping(stream.get("source")).get("task"))
    }
    if name not in labelled:
        yield Problem(
            (*place, "task"),
            f": no stream of this stage trains {name}, whose head its views follow; add {{source: {{task: {name}}}}}",
        )


def _of_text(name: str, stream: Raw, specs: Mapping[str, TaskSpec], place: Place) -> Iterator[Problem]:
    """The task's sequences hold so many texts; tags are read where words begin, which only text in words tells."""
    spec, here = specs.get(name), (*place[:-3], "source", "text_of")
    for other in texts(mapping(stream.get("source")).get("text_of")):
        text = specs.get(other)
        if spec is None or text is None:
            continue
        if spec.is_pair != gives_pairs(text):
            yield Problem(
                here,
                f": a sequence of {other} holds {_texts(gives_pairs(text))}, and {name}, whose views it is to be "
                f"seen in, reads {_texts(spec.is_pair)}; give text of the same form, as that of {name} itself",
            )
        elif spec.kind == "tagging" and text.kind != "tagging":
            yield Problem(
                here,
                f": {other} is of kind {text.kind}, so its text is not cut into words, at which {name} is read",
            )


def _texts(is_pair: bool) -> str:
    return "two texts" if is_pair else "one text"
