"""What a recipe leaves out and another place of it decides: filled in before validation, so that the resolved
recipe shows it. Works on plain data that may still be wrong, and then leaves it alone."""

from collections.abc import Mapping
from typing import Any

from pipeline.recipe.problems import settings_of
from pipeline.recipe.stage import schedule_section

Raw = dict[str, Any]
CORPUS_SOURCES = ("pairs_of", "blocks_of")


def fill(raw: Raw, environment: Mapping[str, str]) -> None:
    """Fill in place: data folder, stream names, parents, carry, per-stage defaults, ledger, LM head fit."""
    if raw.get("data") is None and environment.get("TRIPTYCH_DATA"):
        raw["data"] = environment["TRIPTYCH_DATA"]
    before = None
    for stage in mappings(raw.get("stages")):
        for stream in mappings(stage.get("streams")):
            if derived := stream_name(stream):
                stream["name"] = derived
        stage.setdefault("parent", before)
        stage.setdefault("carry", _carry(stage))
        _inherit(stage, raw)
        before = stage.get("name")
    if "from" in mapping(raw.get("encoder")):
        raw.setdefault("lm_head_fit", {})
    _fill_segmenters(raw)
    _fill_ledger(raw)


def mapping(value: Any) -> Raw:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Raw]:
    """The mappings of a list; nothing if it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The texts of a list, or the text itself."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def stream_name(stream: Raw) -> str | None:
    """A stream's name, given or derived from its source; None where neither is sound."""
    if "name" in stream:
        return stream["name"] if isinstance(stream["name"], str) else None
    source = mapping(stream.get("source"))
    for key, ending in (("pairs_of", "-pairs"), ("blocks_of", "-blocks"), ("task", ""), ("text_of", "-text")):
        if names := texts(source.get(key)):
            return "-".join(names) + ending
    return None


def is_labelled(stream: Raw) -> bool:
    return "task" in mapping(stream.get("source"))


def _carry(stage: Raw) -> str:
    labelled = any(is_labelled(stream) for stream in mappings(stage.get("streams")))
    best = stage.get("kind") == "finetune" and labelled and stage.get("evaluate") is not None
    return "best" if best else "last"


def _inherit(stage: Raw, raw: Raw) -> None:
    if "precision" in raw:
        stage.setdefault("precision", raw["precision"])
    for section in ("optimizer", "schedule"):
        outer, inner = raw.get(section, {}), stage.get(section, {})
        if isinstance(outer, dict) and isinstance(inner, dict) and (outer or inner):
            stage[section] = {**(_fitting(outer, inner) if section == "schedule" else outer), **inner}


def _fitting(outer: Raw, inner: Raw) -> Raw:
    """The part of the recipe's schedule that a stage's other kind of schedule has too."""
    kind = inner.get("kind", outer.get("kind"))
    if kind == outer.get("kind"):
        return outer
    allowed = settings_of(schedule_section(kind))
    return {key: value for key, value in outer.items() if key in allowed}


def _fill_segmenters(raw: Raw) -> None:
    """A Chinese corpus is cut into words where a stream masks units larger than a token."""
    for stage in mappings(raw.get("stages")):
        for stream in mappings(stage.get("streams")):
            if not _masks_words(stream):
                continue
            source = mapping(stream.get("source"))
            for name in (name for key in CORPUS_SOURCES for name in texts(source.get(key))):
                corpus = mapping(mapping(raw.get("corpora")).get(name))
                if corpus.get("language") == "zh":
                    corpus.setdefault("segmenter", "jieba")


def _masks_words(stream: Raw) -> bool:
    objectives = stream.get("objectives")
    given = mappings([objectives] if isinstance(objectives, dict) else objectives)
    return any(_of_words(mapping(masks)) for objective in given for masks in objective.values())


def _of_words(masks: Raw) -> bool:
    unit = masks.get("unit", "token")
    return unit != "token" and (unit != "span" or mapping(masks.get("span")).get("of") != "token")


def _fill_ledger(raw: Raw) -> None:
    evaluation = raw.setdefault("evaluation", {})
    ledger = evaluation.setdefault("ledger", {}) if isinstance(evaluation, dict) else None
    if not isinstance(ledger, dict) or "corpora" in ledger:
        return
    known = mapping(raw.get("corpora"))
    for stage in mappings(raw.get("stages")):
        sources = [mapping(stream.get("source")) for stream in mappings(stage.get("streams"))]
        named = [name for source in sources for key in CORPUS_SOURCES for name in texts(source.get(key))]
        if named:
            ledger["corpora"] = [name for name in dict.fromkeys(named) if name in known]
            return
