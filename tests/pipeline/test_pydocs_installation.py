"""The documentation of the installation that runs the tests: enough text, balanced labels, nothing shared."""

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.pydocs.identity import key
from pipeline.pydocs.sources import DEFAULT_PLAN
from pipeline.pydocs.write import Written, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("pydocs") / "data", jobs=2)


def rows(written: Written, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (written.folder / name).read_text(encoding="utf-8").splitlines()]


def test_there_is_text_for_both_stages(written: Written) -> None:
    tokens: Counter[str] = Counter()
    for corpus in written.manifest["corpora"].values():
        tokens[corpus["kind"]] += corpus["tokens_about"]
    assert tokens["general"] > 1_500_000
    assert tokens["domain"] > 300_000


def test_tasks_are_large_and_balanced(written: Written) -> None:
    for task in ("package", "signature", "terms"):
        assert 4_000 <= len(rows(written, f"tasks/{task}/train.jsonl")) <= 12_000
        assert 500 <= len(rows(written, f"tasks/{task}/dev.jsonl")) <= 1_500
    labels = Counter(row["label"] for row in rows(written, "tasks/package/dev.jsonl"))
    assert set(labels) == set(DEFAULT_PLAN.classes)
    assert max(labels.values()) <= 0.2 * labels.total()


@pytest.mark.parametrize(("task", "column"), [("package", "text"), ("signature", "summary"), ("terms", "words")])
def test_no_dev_text_is_in_training_or_in_a_corpus(written: Written, task: str, column: str) -> None:
    def texts(split: str) -> set[str]:
        values = [row[column] for row in rows(written, f"tasks/{task}/{split}.jsonl")]
        return {key(value if isinstance(value, str) else " ".join(value)) for value in values}

    lines = set()
    for name in written.manifest["files"]:
        if not name.startswith("tasks/"):
            lines.update(key(line) for row in rows(written, name) for line in row["text"].split("\n"))
    assert not texts("dev") & (texts("train") | lines)
