"""A decoder whose sizes are given must be asked for something."""

from collections.abc import Iterator, Mapping

from model.heads import DECODER
from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Problem
from pipeline.recipe.task import Task
from pipeline.recipe.walk import all_streams, items
from tokenization.errors import RecipeError


def check_decoder(raw: Raw, tasks: Mapping[str, Task]) -> Iterator[Problem]:
    """A problem if `decoder` is given and no stream writes with one."""
    if raw.get("decoder") is None:
        return
    streams = [stream for _, stream in all_streams(raw)]
    objectives = {
        name for stream in streams for o in items(stream.get("objectives")) for name in (*texts(o), *mapping(o))
    }
    drawn = {name for stream in streams for name in texts(mapping(stream.get("source")).get("task"))}
    if "mass" not in objectives and not any(_writes(name, task) for name, task in tasks.items() if name in drawn):
        what = "ask for mass, or train a task of kind generation that is written by the decoder, or leave it out"
        yield Problem(("decoder",), f" is given, but no stream writes with one; {what}")


def _writes(name: str, task: Task) -> bool:
    try:
        return task.spec(name).head_name == DECODER
    except RecipeError:
        return True  # what is wrong with it is told elsewhere
