from dataclasses import replace

import pytest

from finetune.cloze.given import Cloze, Prompt
from finetune.tasks.spec import TaskSpec


@pytest.fixture
def cloze(single: TaskSpec) -> TaskSpec:
    """Words of three pieces and of two: the vocabulary cuts a word into its letters."""
    return replace(single, cloze=Cloze("{text} was {mask} z", {"sad": "bad", "glad": "ok"}))


@pytest.fixture
def prompt(single: TaskSpec) -> TaskSpec:
    return replace(single, prompt=Prompt("so {text} is", {"sad": "bad", "glad": "ok"}), attention="left")


@pytest.fixture
def two_texts(single: TaskSpec) -> TaskSpec:
    return replace(
        single,
        fields=("one", "two"),
        cloze=Cloze("{one} q | {mask} k {two}", {"sad": "n", "glad": "y"}),
    )
