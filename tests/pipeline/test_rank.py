"""Candidates ranked by a Siamese head. Oracle: `predict` on each pair; stored and live answers must be equal."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from pipeline.answer import open_model
from pipeline.cli import main
from pipeline.rank import Ranker
from pipeline.show import step_text
from tests.pipeline.two_ranks import losses, run_under_zero
from tokenization.errors import RecipeError

TASKS = """
  same: {kind: classification, fields: [one, two], labels: [apart, alike], label: label, length: 32, head: siamese,
         files: {train: same.jsonl, dev: same.jsonl}}
  near: {kind: regression, fields: [one, two], label: score, range: [0, 5], length: 40, head: siamese,
         files: {train: alike-train.jsonl, dev: alike-dev.jsonl}}
  read: {kind: regression, fields: [one, two], label: score, range: [0, 5], length: 40, head: {pool: san, steps: 2},
         files: {train: alike-train.jsonl, dev: alike-dev.jsonl}}
  topic: {kind: classification, fields: [text], labels: [sea, land], length: 32, head: concat, attention: left,
          files: {train: topic-train.tsv, dev: topic-dev.tsv}}
"""
NAMES = ("same", "near", "read", "topic")
STAGES = """
stages:
  - name: answer
    kind: finetune
    steps: 12
    streams:
""" + "".join(f"      - {{source: {{task: {name}}}, amount: {{examples: 4}}}}\n" for name in NAMES)
WORDS = ("ship", "whale", "oak", "barn", "reef", "deck")
CANDIDATES = [f"the {word} near a {other}" for word in WORDS for other in WORDS if word != other]


@pytest.fixture(scope="module")
def ran(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A house of its own whose tasks' heads read runs, and its finished run."""
    data = tmp_path_factory.mktemp("data")
    for path in (shared_house.base / "data").iterdir():
        (data / path.name).symlink_to(path)
    rows = [
        {"one": f"the {word}", "two": f"a {other}", "label": ("apart", "alike")[word == other]}
        for word in WORDS
        for other in WORDS
    ]
    (data / "same.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    house = shared_house.beside(tmp_path_factory.mktemp("designs"), TASKS, STAGES, data)
    return house, house.run("designs")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "candidates.txt").write_text("\n".join(CANDIDATES) + "\n", encoding="utf-8")
    queries = [{"one": f"the {word}"} for word in WORDS[:3]]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    return {"--candidates": str(tmp_path / "candidates.txt"), "--queries": str(tmp_path / "queries.jsonl")}


def rank(ran: tuple[Any, Any], files: dict[str, str], *words: object, task: str = "same") -> str:
    given = [word for pair in files.items() for word in pair]
    result = CliRunner().invoke(main, ["rank", str(ran[1].root), "--task", task, *given, *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_exported_model_scores_and_answers_as_the_run_did(ran: tuple[Any, Any], tmp_path: Path) -> None:
    house, folder = ran
    known = json.loads(folder.scores.read_text())["tasks"]
    words = ["evaluate", str(folder.root), "--data", str(house.base / "data"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "scores.json").read_text())["tasks"]
    assert {name: found[name]["metrics"] for name in NAMES} == {name: known[name]["metrics"] for name in NAMES}


def test_a_step_shows_a_run_s_label_where_it_begins(ran: tuple[Any, Any]) -> None:
    house, _ = ran
    materials = house.materials("designs")
    shown = step_text(materials, materials.recipe.stage("answer"), 1)
    same = re.findall(r"same draw (\d+): (\[CLS\]\{classification: [01]\}|\[CLS\] )", shown)
    assert len(same) == 8
    assert [draw for draw, _ in same[::2]] == [draw for draw, _ in same[1::2]]
    assert all("{" in first for _, first in same[::2])
    assert not any("{" in second for _, second in same[1::2])
    assert len(re.findall(r"topic draw \d+: \[CLS\] [^\n{]*\[SEP\]\{classification: [01]\}", shown)) == 4


@pytest.mark.parametrize("task", ["same", "near"])
def test_scores_are_those_of_predicting_each_pair(ran: tuple[Any, Any], task: str, tmp_path: Path) -> None:
    model, query = open_model(ran[1].root), "the oak"
    ranker = Ranker(model, task)
    vectors, _ = ranker.vectors(CANDIDATES)
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "answers.jsonl"
    pairs.write_text("".join(json.dumps({"one": query, "two": text}) + "\n" for text in CANDIDATES), encoding="utf-8")
    words = ["predict", str(ran[1].root), "--task", task, "--input", str(pairs), "--out", str(out)]
    assert CliRunner().invoke(main, words).exit_code == 0
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    known = [row["label"] if task == "near" else row["scores"][1] for row in answers]
    scores = ranker.scores(query, vectors)
    assert np.allclose(np.clip(scores, 0, 5), known, atol=1e-5)
    assert len(set(known)) > 10
    best = ranker.best(query, vectors, 3)
    assert [one.candidate for one in best] == np.argsort(-scores, kind="stable")[:3].tolist()


def test_stored_and_live_scores_are_equal_to_the_last_bit(ran: tuple[Any, Any], tmp_path: Path) -> None:
    model = open_model(ran[1].root)
    ranker = Ranker(model, "same")
    live, computed = ranker.vectors(CANDIDATES)
    assert computed == len(CANDIDATES)
    _, first = ranker.vectors(CANDIDATES[5:], tmp_path)
    stored, then = Ranker(open_model(ran[1].root), "same").vectors(CANDIDATES, tmp_path)
    assert (first, then) == (len(CANDIDATES) - 5, 5)
    assert torch.equal(live, stored)
    for query in ("the oak", "a whale near the reef"):
        assert ranker.scores(query, live).tobytes() == ranker.scores(query, stored).tobytes()


def test_a_vector_does_not_depend_on_what_is_encoded_beside_it(ran: tuple[Any, Any]) -> None:
    ranker = Ranker(open_model(ran[1].root), "same")
    together, _ = ranker.vectors([*CANDIDATES, CANDIDATES[0]])
    alone = torch.cat([ranker.vectors([text])[0] for text in CANDIDATES])
    assert torch.equal(together[:-1], alone)
    assert torch.equal(together[-1], alone[0])


def test_packed_for_few_rows_it_ranks_as_before_but_for_rounding_and_keeps_its_vectors_apart(
    ran: tuple[Any, Any], tmp_path: Path
) -> None:
    plain, packed = (Ranker(open_model(ran[1].root, few_rows=few_rows), "same") for few_rows in (False, True))
    (expected, _), (live, _) = plain.vectors(CANDIDATES, tmp_path), packed.vectors(CANDIDATES)
    assert torch.allclose(live, expected, atol=1e-5)
    stored, computed = packed.vectors(CANDIDATES, tmp_path)
    assert torch.equal(live, stored)
    opened = open_model(ran[1].root, few_rows=True)
    can_pack = opened.packed
    if opened.reader.world.device.type == "cpu":
        assert can_pack == hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    assert computed == (len(CANDIDATES) if can_pack else 0)
    again, computed = packed.vectors(CANDIDATES, tmp_path)
    assert torch.equal(live, again)
    assert computed == 0


def test_another_model_s_vectors_are_not_taken_for_one_s_own(ran: tuple[Any, Any], tmp_path: Path) -> None:
    house, folder = ran
    other = house.run("designs-2", "seed=2")
    addresses = {Ranker(open_model(root), "same").address for root in (folder.root, other.root, folder.root)}
    assert len(addresses) == 2
    assert Ranker(open_model(folder.root), "near").address not in addresses
    Ranker(open_model(folder.root), "same").vectors(CANDIDATES, tmp_path)
    assert Ranker(open_model(other.root), "same").vectors(CANDIDATES, tmp_path)[1] == len(CANDIDATES)


def test_the_command_ranks_and_says_what_it_computed(
    ran: tuple[Any, Any], files: dict[str, str], tmp_path: Path
) -> None:
    out, store = tmp_path / "ranked.jsonl", tmp_path / "store"
    first = rank(ran, files, "--store", store, "--out", out, "--top", 4)
    assert "30 candidates, 30 vectors computed" in first
    again = rank(ran, files, "--store", store)
    assert f"30 candidates, 0 vectors computed, the others from {store}" in again
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["query"] for row in rows] == [f"the {word}" for word in WORDS[:3]]
    for row in rows:
        scores = [one["score"] for one in row["ranked"]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == 4
        assert [CANDIDATES[one["candidate"]] for one in row["ranked"]] == [one["text"] for one in row["ranked"]]
        shown = f"{row['query']}\n  {scores[0]:8.4f}  {row['ranked'][0]['text']}\n"
        assert shown in again


def test_the_class_that_ranks_can_be_named(ran: tuple[Any, Any]) -> None:
    model = open_model(ran[1].root)
    vectors, _ = Ranker(model, "same").vectors(CANDIDATES[:4])
    usual, alike, apart = (Ranker(model, "same", label).scores("oak", vectors) for label in (None, "alike", "apart"))
    assert np.array_equal(usual, alike)
    assert np.allclose(alike + apart, 1.0)


@pytest.mark.parametrize(
    ("task", "label", "told"),
    [
        ("read", None, "reads both texts together.*tasks with one: near, same"),
        ("topic", None, "needs a Siamese head"),
        ("same", "alik", "no such label; labels: apart, alike.*alike"),
        ("near", "alike", "it has none"),
        ("some", None, "no head for task 'some'.*same"),
    ],
)
def test_what_cannot_rank_is_refused_with_what_can(ran: tuple[Any, Any], task: str, label: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        Ranker(open_model(ran[1].root), task, label)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.txt", None, "does not exist"),
        ("empty.txt", "\n \n", "holds no text"),
        ("other.jsonl", '{"text": "a"}\n', "'two'"),
    ],
)
def test_files_without_texts_are_refused(
    ran: tuple[Any, Any], files: dict[str, str], tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    words = ["rank", str(ran[1].root), "--task", "same", "--queries", files["--queries"]]
    result = CliRunner().invoke(main, [*words, "--candidates", str(tmp_path / name)])
    assert result.exit_code != 0
    assert told in result.output


@pytest.mark.parametrize("place", ["--candidates", "--queries", "folder"])
def test_what_is_read_and_folders_are_never_written_over(
    ran: tuple[Any, Any], files: dict[str, str], tmp_path: Path, place: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "work").write_text("a year's", encoding="utf-8")
    before = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    given = [word for pair in files.items() for word in pair]
    out = files.get(place, str(tmp_path / place))
    result = CliRunner().invoke(main, ["rank", str(ran[1].root), "--task", "same", *given, "--out", out])
    assert result.exit_code == 1
    told = "is a folder; give a file's name" if place == "folder" else f"is the input itself ({place})"
    assert f"triptych: --out {out} {told}" in result.output
    assert {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_store_that_is_a_file_is_refused_before_any_work(
    ran: tuple[Any, Any], files: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    given = [word for pair in files.items() for word in pair]
    for store in (tmp_path / "file", tmp_path / "file" / "below"):
        result = CliRunner().invoke(main, ["rank", "no-model", "--task", "same", *given, "--store", str(store)])
        told = f"triptych: --store {store}: {tmp_path / 'file'} is a file, and a folder is needed there"
        assert (result.exit_code, result.output.startswith(told)) == (1, True), result.output


@pytest.mark.slow
@pytest.mark.parametrize("stage", [3])
def test_zero_on_two_ranks_trains_heads_of_runs_as_the_plain_engine_on_one(ran: tuple[Any, Any], stage: int) -> None:
    """Tasks alternate, so that three heads of four are idle in each step, and a rank may have no micro-batch."""
    house, _ = ran
    sets = ["answer.sampling=alternate", "engine.micro_batch_tokens=80"]
    alone = house.run(f"alone{stage}", *sets)
    both = run_under_zero(house, stage, f"zero{stage}", *sets)
    assert losses(both, "answer") == pytest.approx(losses(alone, "answer"), rel=1e-5)
