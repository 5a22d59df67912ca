"""What `run` would do: each stage's decision, with its reason. Works on what is there and changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetune.encoding.word_bounds import segmenter_version
from finetune.tasks.spec import TRAIN
from pipeline.changed import told_changes
from pipeline.compose import mixture_of, plan_of, text_notes
from pipeline.layer_rates import rate_notes
from pipeline.lineage import conditions_of, head_specs, own_tasks
from pipeline.masking import mask_unit
from pipeline.materials import Materials, NotMade
from pipeline.prompt_notes import prompt_notes
from pipeline.recipe.identity import identity, is_selected
from pipeline.recipe.recipe import PublicEncoder, Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import BlocksOf, PairsOf, Stream, TaskExamples, TextOf
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import further_seeds, recipe_of_seed, repeated_stages, seed_folder
from pipeline.stored_vectors import stored_note
from pipeline.teaching import teachers_content
from tokenization.errors import RunError
from training.batching import draw_step
from training.manifest import Decision, decide, read_record

_CONTENT = ("tokenizer_content", "data", "selected_on", "parent", "teachers")
"""What `identity_of` adds to a stage's settings."""


@dataclass(frozen=True)
class StageOutlook:
    """A stage before it is run.

    Attributes:
        parameters: of the network, a tied one counted once; at most so many where the vocabulary is not made yet.
        tokens: real tokens that the stage's steps draw, about; None where only the tokenised text can tell.
        streams: a line on each.
        beginning: what its weights start from.
    """

    stage: Stage
    decision: Decision
    parameters: int
    tokens: int | None
    streams: tuple[str, ...]
    beginning: str


def identity_of(materials: Materials, folder: RunFolder, stage: Stage) -> dict[str, Any]:
    """All that decides a stage's weights: settings, the content of its data, and its parent's weights."""
    return {
        **identity(materials.recipe, stage.name),
        "tokenizer_content": materials.tokenizer.fingerprint,
        "data": _data(materials, stage),
        **({"selected_on": _selected_on(materials, stage)} if is_selected(stage) else {}),
        "parent": _parent(materials, folder, stage),
        **({"teachers": teachers} if (teachers := teachers_content(materials, folder, stage)) else {}),
    }


def decide_stage(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """Skip, resume, start or refuse; a stage that reads one which is not finished waits for it."""
    for name in stage.reads:
        if not folder.stage(name).manifest.is_file():
            return Decision("start", f"after {name}")
    now = identity_of(materials, folder, stage)
    decision = decide(folder.stage(stage.name), now, stage.steps, extend)
    record = read_record(folder.stage(stage.name))
    if decision.action != "refuse" or record is None:
        return decision
    return replace(decision, why="\n".join([decision.why, *told_changes(materials, stage, record["identity"], now)]))


def outlook(materials: Materials, folder: RunFolder, extend: bool) -> list[StageOutlook]:
    """Every stage of the recipe, in order."""
    return [_outlook(materials, folder, stage, extend) for stage in materials.recipe.stages]


def outlook_text(stages: Sequence[StageOutlook]) -> str:
    """The outlook as `triptych plan` prints it."""
    lines = []
    for found in stages:
        stage, decision = found.stage, found.decision
        lines.append(f"{stage.name} ({stage.kind}): {decision.action.upper()}, {decision.why}")
        tokens = "tokens not known yet" if found.tokens is None else f"about {found.tokens:,} tokens"
        lines.append(f"    {stage.steps:,} steps, {found.parameters:,} parameters, {tokens}, from {found.beginning}")
        lines += [f"    {line}" for line in found.streams]
    return "\n".join(lines) + "\n"


def seeds_text(materials: Materials, first: RunFolder, extend: bool) -> str:
    """What `run` would do with the stages that each further seed repeats."""
    names, lines = repeated_stages(materials.recipe), []
    for seed in further_seeds(materials.recipe):
        own, folder = materials.with_recipe(recipe_of_seed(materials.recipe, seed)), seed_folder(first, seed)
        for stage in (stage for stage in own.recipe.stages if stage.name in names):
            decision = _decision(own, folder, stage, extend)
            lines.append(f"seed {seed}, {stage.name}: {decision.action.upper()}, {decision.why}\n")
    return "".join(lines)


def refuse_if_needed(stage: Stage, decision: Decision, folder: RunFolder) -> None:
    """Turn a refusal into the error that the user reads.

    Raises:
        RunError: the decision is to refuse.
    """
    if decision.action != "refuse":
        return
    raise RunError(
        f"{folder.stage(stage.name).root}: {decision.why}\n"
        "Go back to the data and settings it was made with, choose another --run-dir, or rerun with "
        f"--from {stage.name} (which moves this stage and those after it aside)."
    )


def _outlook(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> StageOutlook:
    try:
        return _exact(materials, folder, stage, extend)
    except NotMade as missing:
        return _estimate(materials, folder, stage, extend, missing)


def _exact(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> StageOutlook:
    mixture, plan = mixture_of(materials, stage), plan_of(materials.recipe, stage)
    rounds = range(min(plan.steps, 20))
    drawn = [draw_step(mixture, step, plan.budget).tokens_S for step in rounds]
    a_step = sum(int(tokens_S.sum()) for tokens_S in drawn) / len(rounds)
    streams = tuple(
        f"{stream.name}: {stream.items} of {stream.source.size:,} items a step, mean {stream.source.mean_length:.0f} "
        f"tokens, {', '.join(objective.name for objective in stream.objectives)}"
        for stream in mixture.streams
    )
    streams += tuple(text_notes(materials, stage, mixture)) + tuple(rate_notes(materials, stage))
    streams += tuple(prompt_notes(materials, stage))
    streams += (stored_note(materials, stage),) if stage.stored else ()
    decision = decide_stage(materials, folder, stage, extend)
    return StageOutlook(
        stage,
        decision,
        _parameters(materials, stage),
        round(a_step * plan.steps),
        streams,
        _beginning(materials.recipe, stage),
    )


def _estimate(materials: Materials, folder: RunFolder, stage: Stage, extend: bool, missing: NotMade) -> StageOutlook:
    """What the recipe alone tells of a stage whose text is not tokenised yet."""
    a_step = [stream.amount.tokens for stream in stage.streams]
    tokens = stage.steps * sum(n for n in a_step if n is not None) if None not in a_step else None
    decision = decide_by_settings(materials, folder, stage, extend)
    return StageOutlook(
        stage,
        replace(decision, why=f"{decision.why}; not tokenised yet: {missing}"),
        _parameters(materials, stage),
        tokens,
        tuple(_stream_line(materials, stream) for stream in stage.streams),
        _beginning(materials.recipe, stage),
    )


def _decision(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """The decision, by the settings alone where the text is not tokenised yet."""
    try:
        return decide_stage(materials, folder, stage, extend)
    except NotMade:
        return decide_by_settings(materials, folder, stage, extend)


def _beginning(recipe: Recipe, stage: Stage) -> str:
    public = recipe.encoder.from_ if isinstance(recipe.encoder, PublicEncoder) else None
    return stage.parent or public or "fresh weights"


def decide_by_settings(materials: Materials, folder: RunFolder, stage: Stage, extend: bool) -> Decision:
    """The decision if all content is what it was."""
    for name in stage.reads:
        if not folder.stage(name).manifest.is_file():
            return Decision("start", f"after {name}")
    record = read_record(folder.stage(stage.name))
    then = record["identity"] if record else {}
    content = {key: then[key] for key in _CONTENT if key in then}
    now = {**content, **identity(materials.recipe, stage.name)}
    return decide(folder.stage(stage.name), now, stage.steps, extend)


def _stream_line(materials: Materials, stream: Stream) -> str:
    if isinstance(stream.source, TaskExamples):
        rows = len(materials.examples(stream.source.task, TRAIN))
        return f"{stream.name}: {rows:,} rows, {stream.amount.examples or stream.amount.tokens} a step"
    unit = "tokens" if stream.amount.tokens else "items"
    return f"{stream.name}: about {stream.amount.tokens or stream.amount.examples:,} {unit} a step"


def _parameters(materials: Materials, stage: Stage) -> int:
    """Counted on a network without storage."""
    heads, conditions = head_specs(materials, stage.name), conditions_of(materials, stage.name)
    return sum(p.numel() for p in materials.network(heads, "meta", conditions).parameters())


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
