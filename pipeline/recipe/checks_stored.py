"""What must agree where a stage reads its encoder's rows from the disk."""

from collections.abc import Iterator

from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Problem
from pipeline.recipe.walk import all_stages, numbered


def check_stored(raw: Raw) -> Iterator[Problem]:
    """Stored rows of an encoder that moves, or of sequences that are other ones at each step."""
    for place, stage in all_stages(raw):
        if stage.get("stored") is not True:
            continue
        here = (*place, "stored")
        if "encoder" not in texts(stage.get("freeze")):
            yield Problem(
                here,
                ": this stage trains the encoder, so that its rows are others after each step; add "
                "freeze: [encoder, pooler], or leave 'stored' out",
            )
        for _, stream in numbered(stage.get("streams")):
            for why in _changing(stream, mapping(raw.get("tasks"))):
                yield Problem(here, f": {why}")


def _changing(stream: Raw, tasks: Raw) -> Iterator[str]:
    """Why the rows of a stream are others at each step."""
    source = mapping(stream.get("source"))
    if source and "task" not in source:
        yield (
            f"stream '{stream.get('name')}' ({next(iter(source))}) makes new sequences at each step, by masks or by "
            "pairing, which nothing stored could answer; only the examples of tasks are the same in every epoch"
        )
    name = source.get("task")
    task = mapping(tasks.get(name)) if isinstance(name, str) else {}
    if task.get("condition") is True:
        yield (
            f"task {name} has 'condition: true', so that its rows are others after each step; leave one of the two out"
        )
    if task.get("kind") == "generation":
        yield (
            f"task {name} writes texts, which are begun anew at each step; rows are stored of tasks that are answered "
            "from their own text alone"
        )
