"""That the training page leaves no setting out. Oracle: the recipe's own sections, which read them."""

import re
from collections.abc import Iterator

import pytest

from pipeline.recipe import objective_settings as objectives
from pipeline.recipe import recipe, stage, stream, unfreeze
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.paths import INSTALLED
from pipeline.recipe.section import Section

PAGE = (INSTALLED / "docs" / "training.md").read_text(encoding="utf-8")
STAGE, STREAMS, SAVING, SIZES = "A stage", "Streams", "Optimizer, schedule, saving", "Encoder, decoder"
OBJECTIVES, EVALUATION, GPUS = "Objectives of text", "Evaluation", "On GPUs"
OF_OTHER_PAGES = {"name", "data", "tokenizer", "corpora", "tasks"}

ROWS_EACH = [
    (stage.Stage, (STAGE, SAVING), ""),
    (stream.Stream, (STREAMS,), ""),
    (stage.Optimizer, (SAVING,), "optimizer"),
    *((kind, (SAVING,), "schedule") for kind in (stage.ConstantSchedule, stage.DecaySchedule, stage.SlantedSchedule)),
    (recipe.Checkpoint, (SAVING,), "checkpoint"),
    (recipe.Logging, (SAVING,), "logging"),
    (recipe.FreshEncoder, (SIZES,), "encoder"),
    (recipe.PublicEncoder, (SIZES,), "encoder"),
    (recipe.Decoder, (SIZES,), "decoder"),
    (recipe.Evaluation, (EVALUATION,), "evaluation"),
    (recipe.Ledger, (EVALUATION,), "evaluation.ledger"),
    (recipe.Engine, (GPUS,), ""),
    (recipe.Recipe, (STAGE, SAVING, SIZES, EVALUATION, GPUS), ""),
]
"""Sections, the headings under which each setting begins a row, and what stands before its name there, or nothing."""
ROW_FOR_ALL = [
    (stage.Evaluate, STAGE, ["evaluate"]),
    *((kind, STAGE, ["unfreeze"]) for kind in (unfreeze.GradualUnfreezing, unfreeze.SequentialUnfreezing)),
    *((kind, STREAMS, ["source"]) for kind in (stream.PairsOf, stream.BlocksOf, stream.TaskExamples, stream.TextOf)),
    (stream.Amount, STREAMS, ["amount"]),
    (stream.WeightSchedule, STREAMS, ["weight"]),
    (recipe.LmHeadFit, SIZES, ["lm_head_fit"]),
    (recipe.Seeds, EVALUATION, ["seeds"]),
    (objectives.Spans, OBJECTIVES, ["mlm"]),
    *((entry.settings, OBJECTIVES, [name, *{"seq2seq": ["mlm"]}.get(name, [])]) for name, entry in ENTRIES.items()),
]
"""Sections whose settings stand within the rows of one name; `seq2seq` refers to those of `mlm`."""


def rows(heading: str) -> Iterator[list[list[str]]]:
    """The table rows under a heading: of each cell, its pieces of code."""
    _, _, after = re.split(rf"^(#+ {heading})$", PAGE, maxsplit=1, flags=re.MULTILINE)
    for line in re.split(r"^#", after, maxsplit=1, flags=re.MULTILINE)[0].splitlines():
        if line.startswith("|"):
            yield [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]


def begun_by(heading: str) -> set[str]:
    """The settings that a heading's rows begin with, in full: of `checkpoint.every`, `.keep_last` the second too."""
    found: set[str] = set()
    for first, *_ in rows(heading):
        names = [re.split(r"[: ]", code)[0] for code in first]
        owner = names[0].rpartition(".")[0] if names else ""
        found |= {f"{owner}{name}" if name.startswith(".") else name for name in names}
    return found


def keys(settings: type[Section]) -> list[str]:
    return [field.alias or name for name, field in settings.model_fields.items()]


@pytest.mark.parametrize(("settings", "headings", "before"), ROWS_EACH)
def test_every_setting_begins_a_row(settings: type[Section], headings: tuple[str, ...], before: str) -> None:
    begun = {name for heading in headings for name in begun_by(heading)}
    if settings is recipe.FreshEncoder or settings is recipe.PublicEncoder:
        begun = {
            name if "." in name else f"encoder.{name}" for name in begun
        }  # what else the table has is the encoder's
    wanted = {f"{before}.{key}" if before else key for key in keys(settings)}
    if settings is recipe.Recipe:
        wanted -= OF_OTHER_PAGES
    assert not [name for name in wanted if not any(row == name or row.startswith(f"{name}.") for row in begun)]


@pytest.mark.parametrize(("settings", "heading", "names"), ROW_FOR_ALL)
def test_every_setting_stands_in_its_section_s_row(settings: type[Section], heading: str, names: list[str]) -> None:
    mine = [row for row in rows(heading) if row[0] and re.split(r"[: ]", row[0][0])[0] in names]
    code = " ".join(piece for row in mine for cell in row for piece in cell)
    assert not [key for key in keys(settings) if not re.search(rf"\b{key}\b", code)]


def test_every_objective_of_text_has_a_line_on_the_page() -> None:
    assert set(ENTRIES) <= begun_by(OBJECTIVES)
