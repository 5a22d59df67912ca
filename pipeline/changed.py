"""What stands behind the fields in which a stage's data differs from what it was made with, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.reading.carve import is_carved
from finetune.tasks.spec import TRAIN, TaskSpec
from pipeline.materials import Materials

Identity = Mapping[str, Any]


def told_changes(materials: Materials, then: Identity, now: Identity) -> list[str]:
    """A line for the tokenizer, and for each task the split or the labels that are others now.

    Where the tokenizer is another one, nothing can be told of the rows: they are known as it encoded them.
    """
    if then.get("tokenizer_content") != now["tokenizer_content"]:
        return [f"The tokenizer ({_tokenizer(materials)}) is another one than then."]
    lines: list[str] = []
    for section in ("data", "selected_on"):
        before, after = then.get(section, {}), now.get(section, {})
        for name in (name for name in after if name in materials.recipe.tasks):
            # What an older version recorded may be a bare hash, which tells nothing apart.
            if isinstance(before.get(name), Mapping) and isinstance(after[name], Mapping):
                lines += _of_task(materials.task(name), before[name], after[name])
    return list(dict.fromkeys(lines))


def _of_task(spec: TaskSpec, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if (before := then.get("labels")) != (after := now.get("labels")):
        how = "in another order" if sorted(before or ()) == sorted(after or ()) else "others"
        yield f"task {spec.name}: its labels are {how}, {_listed(before)} then, {_listed(after)} now."
        return
    for split in now:
        if split != "labels" and then.get(split) != now[split]:
            yield f"task {spec.name}: the rows of {split} ({_files(spec, split)}) are others than then."


def _tokenizer(materials: Materials) -> str:
    given = materials.recipe.tokenizer
    return f"trained on {', '.join(given.train.corpora)}" if given.train else str(given.from_)


def _files(spec: TaskSpec, split: str) -> str:
    carved, source = (f", carved from {TRAIN}", TRAIN) if is_carved(spec, split) else ("", split)
    hub = spec.hub.path if spec.hub else ""
    return (", ".join(spec.paths(source)) if source in spec.files else hub) + carved


def _listed(labels: Any) -> str:
    return ", ".join(labels or ()) or "none"
