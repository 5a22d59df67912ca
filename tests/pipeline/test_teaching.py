"""Teachers who were never trained on what they are asked: what of their asking decides what a student becomes."""

from typing import Any

import pytest

from pipeline.decisions import decide_by_settings, decide_stage
from tokenization.errors import CheckpointError, RunError

ROWS = """kind: classification, fields: [text], labels: [sea, land],
    files: {train: topic-train.tsv, dev: topic-dev.tsv}"""
CLOZE = '{pattern: "{text} the {mask} .", words: {sea: ship, land: forest}}'
STAGES = f"""  filled: {{{ROWS}, length: 40, cloze: {CLOZE}}}
encoder: {{layers: 1, hidden: 16, heads: 2, feed_forward: 32, positions: 48}}
optimizer: {{rate: 1e-2}}
engine: {{micro_batch_tokens: 256}}
checkpoint: {{every: 2}}
stages:
  - name: general
    kind: pretrain
    steps: 2
    streams:
      - {{source: {{blocks_of: general, length: 40}}, objectives: [mlm], amount: {{tokens: 200}}}}
  - name: learn
    kind: finetune
    steps: 2
    streams:
      - source: {{text_of: [topic]}}
        objectives: [{{distill: {{task: topic, teacher: {{stage: general, task: filled}}}}}}]
        amount: {{examples: 4}}
"""


@pytest.fixture
def taught(house: Any) -> Any:
    """A house whose language model, never trained on a cloze, teaches by one."""
    text = house.file.read_text(encoding="utf-8")
    house.file.write_text(text[: text.index("encoder:")] + STAGES, encoding="utf-8")
    return house


def test_soft_labels_that_were_cut_short_are_named_and_may_be_removed(taught: Any) -> None:
    learn = taught.run("cut").stage("learn")
    (path,) = (learn.root / "soft-labels").iterdir()
    whole = path.read_bytes()
    learn.manifest.unlink()
    learn.started.unlink()
    for left in (0, 70, 150):  # nothing, half the head of the file, some of its numbers
        path.write_bytes(whole[:left])
        with pytest.raises(CheckpointError, match=rf"{path.name}: cut short or damaged .*; remove it"):
            taught.run("cut", only="learn")
    path.unlink()
    taught.run("cut", only="learn")
    assert path.read_bytes() == whole


def test_a_teacher_that_is_asked_otherwise_makes_another_student_and_other_soft_labels(taught: Any) -> None:
    """The teaching stage was never trained on its cloze, so that its own identity knows nothing of it."""
    folder = taught.run("r")
    materials = taught.materials("r")
    stage = materials.recipe.stage("learn")
    assert decide_stage(materials, folder, stage, False).action == "skip"
    assert decide_by_settings(materials, folder, stage, False).action == "skip"
    for setting in ("cloze.pattern='a {mask} : {text}'", "cloze.words={sea: ship, land: road}", "length=36"):
        change = f"tasks.filled.{setting}"
        with pytest.raises(RunError, match=r"stages/learn: made under other settings:\n  teachers\.topic-text"):
            taught.run("r", change)
    (before,) = (folder.stage("learn").root / "soft-labels").iterdir()
    (folder.stage("learn").manifest).unlink()
    (folder.stage("learn").started).unlink()
    taught.run("r", change, only="learn")
    assert before in (found := list((folder.stage("learn").root / "soft-labels").iterdir()))
    assert len(found) == 2
