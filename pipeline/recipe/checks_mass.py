"""Whether a sequence of a task's text is one stretch or holds two, and MASS, which cuts a span out of one."""

from collections.abc import Iterator, Mapping

from finetune.tasks.spec import TaskSpec
from pipeline.recipe.fill import Raw, mapping, texts
from pipeline.recipe.problems import Problem
from pipeline.recipe.walk import all_streams, items

NAME = "mass"


def gives_pairs(spec: TaskSpec) -> bool:
    """Whether a sequence of a task's text holds two: no text to write, and none of two that are read apart."""
    return (spec.kind == "span" or len(spec.fields) >= 2) and spec.design.pool != "siamese"


def check_mass(raw: Raw, specs: Mapping[str, TaskSpec]) -> Iterator[Problem]:
    """A problem for each task of two texts whose text MASS is asked of."""
    for place, stream in all_streams(raw):
        if not any(NAME in (*texts(given), *mapping(given)) for given in items(stream.get("objectives"))):
            continue
        for name in texts(mapping(stream.get("source")).get("text_of")):
            if name in specs and gives_pairs(specs[name]):
                why = f"'{NAME}' cuts a span out of one stretch; give tasks of one text"
                yield Problem((*place, "source", "text_of"), f": a sequence of {name} holds two texts, and {why}")
