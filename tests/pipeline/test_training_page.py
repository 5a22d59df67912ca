"""That the training page leaves no setting out. Oracle: the recipe's own sections, which read them."""

import re

import pytest

from pipeline.recipe import objective_settings as objectives
from pipeline.recipe import recipe, stage, stream, unfreeze
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.paths import INSTALLED
from pipeline.recipe.section import Section

PAGE = (INSTALLED / "docs" / "training.md").read_text(encoding="utf-8")
CODE = " ".join(re.findall(r"`([^`\n]+)`", PAGE))
SECTIONS = (
    *(stage.Stage, stage.Evaluate, stage.Optimizer, stage.ConstantSchedule, stage.DecaySchedule, stage.SlantedSchedule),
    *(unfreeze.GradualUnfreezing, unfreeze.SequentialUnfreezing),
    *(stream.Stream, stream.PairsOf, stream.BlocksOf, stream.TaskExamples, stream.TextOf, stream.Amount),
    *(stream.WeightSchedule, objectives.Spans, *(entry.settings for entry in ENTRIES.values())),
    *(recipe.FreshEncoder, recipe.PublicEncoder, recipe.Decoder, recipe.LmHeadFit, recipe.Engine),
    *(recipe.Checkpoint, recipe.Logging, recipe.Evaluation, recipe.Ledger, recipe.Seeds),
)


@pytest.mark.parametrize("settings", SECTIONS)
def test_every_setting_of_training_is_named_on_its_page(settings: type[Section]) -> None:
    names = [field.alias or name for name, field in settings.model_fields.items()]
    assert not [name for name in names if not re.search(rf"\b{name}\b", CODE)]


def test_every_objective_of_text_has_a_line_on_the_page() -> None:
    assert set(ENTRIES) <= set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
