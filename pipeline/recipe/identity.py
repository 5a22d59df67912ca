"""What of a recipe changes the mathematics of a stage: the part that its manifest fingerprints."""

from dataclasses import asdict
from typing import Any

from finetune.tasks.spec import TRAIN, TaskSpec
from model.heads import DECODER
from pipeline.lineage import TEXT_HEADS, own_heads
from pipeline.masking import mask_unit
from pipeline.recipe.checks_taught import model_teachers
from pipeline.recipe.recipe import PublicEncoder, Recipe
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import BlocksOf, PairsOf, Stream, TaskExamples, TextOf
from pipeline.recipe.task import Task
from pipeline.recipe.text import Corpus

# Of a corpus: where its text is, which its content hash tells better, and what changes no result.
_HOW_IT_IS_READ = {"files", "format", "field", "config", "split", "streaming", "lexicon", "skip_bad"}
# Of a task: what makes other rows of the same files. How they are read is told better by the content hash of its rows.
_WHICH_ROWS = ("kind", "range", "carve", "overlap", "written_by")


def identity(recipe: Recipe, stage_name: str) -> dict[str, Any]:
    """The settings that decide a stage's weights, without those that stand at their default.

    Left out, for the caller to add: content hashes in the place of paths, the parent's fingerprint, and the steps,
    which are identity too but may grow under `--extend`. Engine, micro-batches, checkpoints, logging and the choice
    of an attention implementation only say how it is carried out. A new setting whose default means "as before" does
    not change the identity of older runs.
    """
    stage = recipe.stage(stage_name)
    selected = is_selected(stage)
    corpora = {name: _corpus(recipe.corpora[name], _masks_units(stage, name)) for name in corpora_of(recipe, stage)}
    return {
        "seed": recipe.seed_of(stage),
        "tokenizer": recipe.tokenizer.model_dump(mode="json", exclude={"from_", "extend"}, exclude_defaults=True),
        "encoder": _encoder(recipe),
        **_decoder(recipe, stage),
        "corpora": corpora,
        "tasks": _tasks(recipe, stage, selected),
        "stage": _stage(stage, selected),
        **_revised(stage),
        **({"split": recipe.evaluation.split} if selected else {}),
    }


def is_selected(stage: Stage) -> bool:
    """Whether evaluations decide which weights the stage hands on, or when it ends."""
    return stage.carry == "best" or (stage.evaluate is not None and stage.evaluate.patience is not None)


def _encoder(recipe: Recipe) -> dict[str, Any]:
    kind = "public" if isinstance(recipe.encoder, PublicEncoder) else "fresh"
    sizes = recipe.encoder.model_dump(mode="json", exclude={"from_", "attention"}, exclude_defaults=True)
    fit = recipe.lm_head_fit.model_dump(mode="json", exclude_defaults=True) if recipe.lm_head_fit else {}
    return {kind: sizes, **({"lm_head_fit": fit} if fit else {})}


def _decoder(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    """The decoder's sizes, where the stage trains it; where it only rides along, its parent tells them."""
    if recipe.decoder is None or DECODER not in own_heads(recipe, stage):
        return {}
    sizes = recipe.decoder.model_dump(mode="json", exclude_defaults=True)
    return {"decoder": sizes} if sizes else {}


def _stage(stage: Stage, selected: bool) -> dict[str, Any]:
    """The stage without what is a label, what may grow, its seed (told apart) and evaluations that decide nothing."""
    left_out = {"kind", "steps", "seed"} | (set() if selected else {"evaluate"})
    dumped = stage.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
    for _, teacher in model_teachers({"stages": [dumped]}):
        teacher.pop("model", None)  # where it lies; its content is told beside
    return dumped


def _revised(stage: Stage) -> dict[str, dict[str, int]]:
    """What the same settings of the stage train otherwise than they did at first."""
    asked = [objective for stream in stage.streams for objective in stream.objectives]
    found = {objective.name: objective.entry.revision for objective in asked if objective.entry.revision > 1}
    pairs = [stream for stream in stage.streams if isinstance(stream.source, PairsOf)]
    if any(not any(objective.entry.second for objective in stream.objectives) for stream in pairs):
        found["pairs_of"] = 2  # both halves are of one document where nothing else is asked for
    return {"revisions": found} if found else {}


def scoring_of(spec: TaskSpec) -> dict[str, Any]:
    """The settings of a task that decide its scores, and no weights unless scores choose among these."""
    of_spans = {"longest_answer": spec.longest_answer, "unanswerable": spec.unanswerable}
    of_texts = {key: getattr(spec, key) for key in ("language", "beam", "length_penalty", "longest")}
    of_kind = {"span": of_spans, "generation": of_texts}.get(spec.kind, {})
    return {"metrics": list(spec.metrics), "primary": spec.primary, **of_kind}


def _task(name: str, task: Task, selected: bool) -> dict[str, Any]:
    """A task by what its settings result in: the same, whether a default is written out or where its files lie."""
    spec = task.spec(name)
    return {**_text(task, spec), **asked_of(task, spec), **(scoring_of(spec) if selected else {})}


def _text(task: Task, spec: TaskSpec) -> dict[str, Any]:
    """The settings of a task that make its text; how it is asked changes nothing in that."""
    limit = {TRAIN: spec.limit[TRAIN]} if TRAIN in spec.limit else {}  # of other splits, their rows' hash tells
    rows = _changed(spec, _WHICH_ROWS)
    return {**rows, **({"limit": limit} if limit else {}), **task.model_dump(include={"length"}, exclude_defaults=True)}


def asked_of(task: Task, spec: TaskSpec) -> dict[str, Any]:
    """How a task is put to a network, and by which head it is answered."""
    return {
        **_changed(spec, ("attention",)),
        **{way: asdict(given) for way, given in (("cloze", spec.cloze), ("prompt", spec.prompt)) if given},
        **task.model_dump(include={"head", "condition"}, exclude_defaults=True),
    }


def _changed(spec: TaskSpec, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: getattr(spec, key) for key in keys if getattr(spec, key) != getattr(TaskSpec, key, None)}


def _corpus(corpus: Corpus, masks_units: bool) -> dict[str, Any]:
    """A corpus's settings; a later stage that masks words may have its text segmented without changing this one."""
    left_out = _HOW_IT_IS_READ | (set() if masks_units else {"segmenter"})
    return corpus.model_dump(mode="json", exclude=left_out, exclude_defaults=True)


def _masks_units(stage: Stage, corpus: str) -> bool:
    """Whether a stream of the stage masks more than single tokens in a corpus."""
    return any(mask_unit(stream) != "token" and _corpus_of(stream) == corpus for stream in stage.streams)


def _corpus_of(stream: Stream) -> str | None:
    source = stream.source
    if isinstance(source, PairsOf):
        return source.pairs_of
    return source.blocks_of if isinstance(source, BlocksOf) else None


def corpora_of(recipe: Recipe, stage: Stage) -> list[str]:
    """The corpora that the stage reads or that the tokenizer was trained on."""
    trained = recipe.tokenizer.train.corpora if recipe.tokenizer.train else ()
    return sorted({*trained, *filter(None, map(_corpus_of, stage.streams))})


def _tasks(recipe: Recipe, stage: Stage, selected: bool) -> dict[str, Any]:
    """The stage's tasks; of one that is nothing but text there, what makes the text."""
    asked = {name for stream in stage.streams if not _is_text(stream) for name in _tasks_of(stream)}
    named = {name for stream in stage.streams for name in _tasks_of(stream)}
    return {
        name: _task(name, task, selected) if name in asked else _text(task, task.spec(name))
        for name, task in ((name, recipe.tasks[name]) for name in sorted(named))
    }


def _tasks_of(stream: Stream) -> tuple[str, ...]:
    source = stream.source
    if isinstance(source, TaskExamples):
        return (source.task,)
    return source.text_of if isinstance(source, TextOf) else ()


def _is_text(stream: Stream) -> bool:
    """Whether nothing is asked of a stream but text: no head of a task's own answers."""
    heads = {head for objective in stream.objectives for head in objective.heads}
    return isinstance(stream.source, TextOf) and heads <= TEXT_HEADS.keys()
