"""What stands behind the fields in which a stage's data differs from what it was made with, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.reading.carve import is_carved
from finetune.tasks.spec import TRAIN, TaskSpec
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from tokenization.differing import differences

Identity = Mapping[str, Any]


def told_changes(materials: Materials, stage: Stage, then: Identity, now: Identity) -> list[str]:
    """A line for the tokenizer, and for each task the split or the labels that are others now.

    Rows are known as they were encoded: where the tokenizer, the labels or a setting of the task are others, the
    recorded content is another one too, and nothing can be told of the rows.
    """
    if then.get("tokenizer_content") != now["tokenizer_content"]:
        return [f"The tokenizer ({_tokenizer(materials)}) is another one than then."]
    lines: list[str] = []
    for name in materials.recipe.tasks:
        labels = list(_of_labels(name, _entry(then, "data", name), _entry(now, "data", name)))
        if labels or differences(_entry(then, "tasks", name), _entry(now, "tasks", name)):
            lines += labels
            continue
        spec = materials.task(name)
        trained = _of_rows(spec, _entry(then, "data", name), _entry(now, "data", name))
        scored = _of_rows(spec, _entry(then, "selected_on", name), _entry(now, "selected_on", name))
        lines += [f"{line}: put them back as they were." for line in trained]
        lines += [f"{line}, and scores on them {_role(stage)}: put them back as they were." for line in scored]
    return lines


def _entry(identity: Identity, section: str, name: str) -> Mapping[str, Any]:
    """What is recorded of a task; what an older version recorded may be a bare hash, which tells nothing apart."""
    found = identity.get(section, {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _of_labels(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then and now and (before := then.get("labels")) != (after := now.get("labels")):
        how = "in another order" if sorted(before or ()) == sorted(after or ()) else "others"
        yield f"task {name}: its labels are {how}, {_listed(before)} then, {_listed(after)} now."


def _of_rows(spec: TaskSpec, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for split in now:
        if split != "labels" and split in then and then[split] != now[split]:
            yield f"task {spec.name}: the rows of {split} ({_files(spec, split)}) are others than then"


def _role(stage: Stage) -> str:
    """What scores decide in a stage that is selected by them, with the settings that say so."""
    chooses, ends = stage.carry == "best", stage.evaluate is not None and stage.evaluate.patience is not None
    roles = [f"choose the weights that stage {stage.name} hands on (carry: best)"] * chooses
    return " and ".join([*roles, *[f"decide when stage {stage.name} ends (evaluate.patience)"] * ends])


def _tokenizer(materials: Materials) -> str:
    given = materials.recipe.tokenizer
    return f"trained on {', '.join(given.train.corpora)}" if given.train else str(given.from_)


def _files(spec: TaskSpec, split: str) -> str:
    carved, source = (f", carved from {TRAIN}", TRAIN) if is_carved(spec, split) else ("", split)
    hub = spec.hub.path if spec.hub else ""
    return (", ".join(spec.paths(source)) if source in spec.files else hub) + carved


def _listed(labels: Any) -> str:
    return ", ".join(labels or ()) or "none"
