"""A built-in task under another name. Oracle: the task under its own name, on the same files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from finetune.reading.read import read_examples
from finetune.tasks.spec import TaskSpec
from pipeline.recipe.task import Task
from tokenization.errors import RecipeError


def spec_of(name: str, **settings: Any) -> TaskSpec:
    task: Any = TypeAdapter(Task).validate_json(json.dumps(settings))
    return task.spec(name)


def test_it_is_the_task_but_for_its_name_and_what_is_changed() -> None:
    words = {"negative": "bad", "positive": "good"}
    found = spec_of("reviews", like="sst2", cloze={"pattern": "{sentence} {mask}", "words": words})
    assert replace(found, name="sst2", like="", cloze=None) == spec_of("sst2")
    assert (found.name, found.head_name, found.worded) == ("reviews", "mlm", found.cloze)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_limit_and_a_carved_dev_set_hold_the_same_rows(tmp_path: Path, split: str) -> None:
    lines = [f"text {number}\t{number % 2}" for number in range(200)]
    (tmp_path / "rows.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n", encoding="utf-8")
    settings = {"files": {"train": "rows.tsv"}, "limit": {"train": 50, "dev": 10}, "hidden": []}
    own, same = spec_of("sst2", **settings), spec_of("reviews", like="sst2", **settings)
    other = replace(own, name="other")
    found = [read_examples(spec, tmp_path, split) for spec in (own, same, other)]
    assert found[0] == found[1] != found[2]


def test_only_a_built_in_task_can_be_likened_to() -> None:
    with pytest.raises(RecipeError, match=r"^tasks.mine.like: no built-in task is called 'sst3'; .* mean 'sst2'\?"):
        spec_of("mine", like="sst3")
    with pytest.raises(ValidationError, match="'like' names a built-in task, and 'kind' makes a task of your own"):
        spec_of("mine", like="sst2", kind="classification", fields=["a"], labels=["x", "y"], files={"train": "a.tsv"})
