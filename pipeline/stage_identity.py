"""All that decides a stage's weights: its settings, the content of its data, and the weights it starts from."""

from collections.abc import Mapping
from typing import Any

from finetune.encoding.word_bounds import segmenter_version
from finetune.tasks.spec import TRAIN
from pipeline.lineage import kept_decoder, own_tasks
from pipeline.masking import mask_unit
from pipeline.materials import Materials
from pipeline.recipe.identity import identity, is_selected
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import BlocksOf, PairsOf, Stream, TaskExamples, TextOf
from pipeline.run_folder import RunFolder
from pipeline.teaching import teachers_content
from training.manifest import read_record

CONTENT = ("tokenizer_content", "data", "selected_on", "parent", "teachers")
"""What `identity_of` adds to a stage's settings, but for `brought`: content, which takes reading."""


def identity_of(materials: Materials, folder: RunFolder, stage: Stage) -> dict[str, Any]:
    """All that decides a stage's weights: settings, the content of its data, and its parent's weights."""
    return {
        **identity(materials.recipe, stage.name),
        **brought(materials),
        "tokenizer_content": materials.tokenizer.fingerprint,
        "data": _data(materials, stage),
        **({"selected_on": _selected_on(materials, stage)} if is_selected(stage) else {}),
        "parent": _parent(materials, folder, stage),
        **({"teachers": teachers} if (teachers := teachers_content(materials, folder, stage)) else {}),
    }


def brought(materials: Materials) -> dict[str, Any]:
    """The decoder that a public checkpoint brings and the network keeps; of older runs the network had none of it."""
    kept = kept_decoder(materials.recipe, materials.public)
    return {"brought": {"decoder": kept.depth}} if kept else {}


def _parent(materials: Materials, folder: RunFolder, stage: Stage) -> str | None:
    if stage.parent is None:
        return materials.public_fingerprint
    record = read_record(folder.stage(stage.parent))
    assert record is not None, "a parent is finished before its child is decided"
    return str(record["carry"]["hash"])


def _selected_on(materials: Materials, stage: Stage) -> dict[str, dict[str, str]]:
    """The content of the rows whose scores choose among the stage's weights."""
    names = own_tasks(materials.recipe, stage)
    splits = {name: materials.scored(name)[0] for name in names}
    return {name: {split: materials.encoded(name, split).fingerprint} for name, split in splits.items()}


def _labelled(materials: Materials, name: str) -> dict[str, Any]:
    return {TRAIN: materials.encoded(name, TRAIN).fingerprint, "labels": list(materials.task(name).labels)}


def _text(materials: Materials, name: str, split: str) -> dict[str, Any]:
    """The content of a split that is read as text; under the split's name, as that of the examples, where it is one."""
    content = materials.text(name, split).fingerprint
    key = split if materials.task(name).is_plain else f"text of {split}"
    return {key: content, "labels": list(materials.task(name).labels)}


def _data(materials: Materials, stage: Stage) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for stream in stage.streams:
        source = stream.source
        if isinstance(source, PairsOf):
            found[source.pairs_of] = materials.corpus(source.pairs_of).fingerprint
        elif isinstance(source, BlocksOf):
            found[source.blocks_of] = materials.corpus(source.blocks_of).fingerprint
        elif isinstance(source, TaskExamples):
            found[source.task] = {**found.get(source.task, {}), **_labelled(materials, source.task)}
        else:
            assert isinstance(source, TextOf)
            for name in source.text_of:
                found[name] = {**found.get(name, {}), **_text(materials, name, source.split)}
            if mask_unit(stream) != "token":
                found["segmenter of tasks"] = segmenter_version()
        if isinstance(source, PairsOf | BlocksOf):
            found |= _units(materials, source.pairs_of if isinstance(source, PairsOf) else source.blocks_of, stream)
    return found


def _units(materials: Materials, corpus: str, stream: Stream) -> dict[str, str]:
    """The content of what tells the units that are masked whole."""
    unit = mask_unit(stream)
    words = materials.corpus(corpus).manifest.words_fingerprint if unit != "token" else None
    return {
        **({f"{corpus}.words": words} if words else {}),
        **({f"{corpus}.lexicon": materials.phrases(corpus).fingerprint} if unit == "phrase" else {}),
    }
