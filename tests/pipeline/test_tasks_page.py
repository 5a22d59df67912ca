"""What the tasks page says of classes in words and of teachers. Oracle: the recipe's own sections, which read it."""

import re
from pathlib import Path

import pytest

from pipeline.recipe.answered_by import ClozeSettings, PromptSettings
from pipeline.recipe.load import load_recipe
from pipeline.recipe.objective_settings import DistillSettings, Teacher, ViewConsistencySettings
from pipeline.recipe.paths import INSTALLED
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.section import Section
from pipeline.recipe.stream import TextOf

WORDS, TAUGHT = "Classes in words", "Teachers and text without labels"
AROUND = """name: page
tokenizer: {train: {corpora: [own]}}
corpora: {own: {files: own.txt}}
"""
STAGE = """stages:
  - name: first
    kind: pretrain
    steps: 4
    streams: [{source: {blocks_of: own}, objectives: [mlm], amount: {tokens: 9}}]
"""


def section(title: str) -> str:
    page = (INSTALLED / "docs" / "tasks.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))[title]


def recipe_of(title: str, folder: Path, more: str = "", tasks: str = "") -> Recipe:
    """The recipe of a section's last block, with what it leaves out, such as the key that its tasks stand under."""
    block = re.findall(r"```yaml\n(.*?)```", section(title), re.DOTALL)[-1]
    (folder / "page.yaml").write_text(AROUND + tasks + block + more, encoding="utf-8")
    return load_recipe(folder / "page.yaml", (), {})


@pytest.mark.parametrize(
    ("title", "settings"),
    [
        (WORDS, ClozeSettings),
        (WORDS, PromptSettings),
        (TAUGHT, TextOf),
        (TAUGHT, DistillSettings),
        (TAUGHT, Teacher),
        (TAUGHT, ViewConsistencySettings),
    ],
)
def test_every_setting_is_named_in_its_section(title: str, settings: type[Section]) -> None:
    text = section(title)
    assert not [name for name in settings.model_fields if not re.search(rf"\b{name}\b", text)]


def test_the_classes_in_words_load_and_are_answered_by_the_language_model(tmp_path: Path) -> None:
    recipe = recipe_of(WORDS, tmp_path, STAGE)
    specs = {name: task.spec(name) for name, task in recipe.tasks.items()}
    assert {name: spec.head_name for name, spec in specs.items()} == {
        "sst2": "sst2",
        "filled": "mlm",
        "described": "mlm",
    }
    assert {name: spec.attention for name, spec in specs.items()} == {
        "sst2": "both",
        "filled": "both",
        "described": "left",
    }
    assert {spec.chosen_as for spec in specs.values()} == {"sst2"}


def test_the_student_loads_and_learns_from_both_of_its_teachers(tmp_path: Path) -> None:
    student = recipe_of(TAUGHT, tmp_path).stage("student")
    assert student.reads == ("general", "pattern")
    assert student.streams[0].source == TextOf(text_of=("mood",), split="more")


def test_the_task_that_is_only_written_fits_the_usual_encoder(tmp_path: Path) -> None:
    """A source, what is written behind it and its end, which the plan asks of a language model's positions."""
    recipe = recipe_of("Heads", tmp_path, STAGE, "tasks:\n")
    task = recipe.tasks["written"]
    assert task.longest is not None
    assert task.length + task.longest + 1 <= getattr(recipe.encoder, "positions", 0)
