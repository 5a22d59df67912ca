"""A decoder whose sizes are given must be asked for something."""

from collections.abc import Iterator, Mapping

from finetune.tasks.spec import TaskSpec
from model.heads import DECODER
from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Problem
from pipeline.recipe.walk import all_streams, items


def check_decoder(raw: Raw, specs: Mapping[str, TaskSpec]) -> Iterator[Problem]:
    """A problem if `decoder` is given and no stream writes with one."""
    if raw.get("decoder") is None or set(mapping(raw.get("tasks"))) - set(specs):
        return  # a task that is wrong in itself may be one to write
    streams = [stream for _, stream in all_streams(raw)]
    objectives = {
        name for stream in streams for o in items(stream.get("objectives")) for name in (*texts(o), *mapping(o))
    }
    drawn = {name for stream in streams for name in texts(mapping(stream.get("source")).get("task"))}
    if "mass" not in objectives and not any(specs[name].head_name == DECODER for name in drawn if name in specs):
        what = "ask for mass, or train a task of kind generation that is written by the decoder, or leave it out"
        yield Problem(("decoder",), f" is given, but no stream writes with one; {what}")
