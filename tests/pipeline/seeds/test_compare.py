"""Comparing two runs; the oracle is a run written by hand, with itself, or shifted by a known amount."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finetune.tasks.spec import Published, TaskSpec
from finetune.tasks.table import TASKS
from pipeline.cli import main
from pipeline.seeds.compare import compare_runs
from pipeline.seeds.scores import over_seeds
from pipeline.seeds.tables import seed_grid, seed_remarks
from pipeline.tables import Grid
from tokenization.errors import RunError

Write = Callable[..., Path]
SCORES = {1: 0.60, 2: 0.70, 3: 0.62, 4: 0.66, 5: 0.68}
TOPIC = TaskSpec(
    name="topic", kind="classification", fields=("text",), label="label", files={}, labels=("a", "b"),
    published=(
        Published("BERT-large", "test", "accuracy", 0.701, "Somebody 2019, table 1"),
        Published("BERT-base", "dev", "accuracy", 0.664, "Somebody 2019, table 2"),
        Published("BERT-base", "dev", "matthews", 0.5, "Somebody 2019, table 2"),
    ),
)  # fmt: skip


def scores_of(value: float, content: str = "these rows", **changed: Any) -> dict[str, Any]:
    """What `evaluation/scores.json` holds of one task and one corpus."""
    task = {
        "kind": "classification", "metrics": {"accuracy": value}, "primary": "accuracy", "majority": 0.5, "rows": 100,
        "reduced": False, "split": "dev",
    }  # fmt: skip
    row = {
        "name": "wiki: held-out left-to-right LM loss", "corpus": "wiki", "unit": "nats", "better": "lower",
        "values": [None, 9 - value, 5 - value],
    }  # fmt: skip
    return {
        "joint": value,
        "tasks": {"topic": {**task, **changed}},
        "content": {"topic": content},
        "ledger": {"columns": ["a", "b", "c"], "rows": [row]},
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a finished run directory; under several seeds where it gets several scores."""

    def write(name: str, scores: Mapping[int, float], **changed: Any) -> Path:
        (tmp_path / name / "evaluation").mkdir(parents=True)
        seed = next(iter(scores))
        (tmp_path / name / "recipe.yaml").write_text(f"name: {name}\nseed: {seed}\nstages: []\n")
        found = {seed: scores_of(value, **changed) for seed, value in scores.items()}
        (tmp_path / name / "evaluation" / "scores.json").write_text(json.dumps(found[seed]))
        if len(scores) > 1:
            together = {"repeated": ["m"], "shared": ["g"], **over_seeds(found, {"topic": TOPIC})}
            (tmp_path / name / "evaluation" / "seeds.json").write_text(json.dumps(together))
        return tmp_path / name

    return write


def row(grid: Grid, task: str) -> dict[str, str]:
    """A task's row by the names of the columns; the verdict's is empty."""
    return dict(zip(grid.header, next(cells for cells in grid.rows if cells[0] == task), strict=True))


def test_a_run_compared_with_itself_differs_by_nothing_and_is_within_noise(write: Write) -> None:
    run = write("one", SCORES)
    grid, _ = compare_runs(run, run)
    for name in ("topic", "joint", "wiki"):
        found = row(grid, name)
        assert (found["B - A"], found["std. error"], found["95 % interval"]) == ("+0.000", "0.000", "+0.000 to +0.000")
        assert found[""] == "within noise"
    assert set(grid.standings) == {"plain"}


def test_a_shifted_copy_is_outside_noise_and_a_loss_is_better_when_lower(write: Write) -> None:
    lower, higher = write("one", SCORES), write("two", {seed: value + 0.1 for seed, value in SCORES.items()})
    grid, _ = compare_runs(lower, higher)
    assert row(grid, "topic")["B - A"] == "+0.100"
    assert row(grid, "topic")[""] == "outside noise: B better"
    assert (row(grid, "wiki")["A"], row(grid, "wiki")["B"]) == ("4.348", "4.248")
    assert row(grid, "wiki")[""] == "outside noise: B better"
    back, _ = compare_runs(higher, lower)
    assert [cells[-1] for cells in back.rows] == ["outside noise: B worse"] * 3


def test_differences_smaller_than_their_scatter_are_within_noise(write: Write) -> None:
    other = {seed: value + step for (seed, value), step in zip(SCORES.items(), (0.1, -0.1, 0.05, 0, 0), strict=True)}
    found = row(compare_runs(write("one", SCORES), write("two", other))[0], "topic")
    # scipy.stats.ttest_rel: mean 0.01, standard error 0.0332, interval -0.0821 to 0.1021
    assert (found["B - A"], found["std. error"], found["95 % interval"]) == ("+0.010", "0.033", "-0.082 to +0.102")
    assert found[""] == "within noise"


def test_only_common_seeds_count_and_the_others_are_named(write: Write) -> None:
    other = {4: 0.66, 5: 0.68, 6: 0.9}
    grid, lines = compare_runs(write("one", SCORES), write("two", other))
    assert row(grid, "topic")["B - A"] == "+0.000"
    assert row(grid, "topic")["A"] == "0.670"
    assert "compared under seeds 4, 5" in lines
    assert "A also has seeds 1, 2, 3, which B has not: left out" in lines
    assert "B also has seed 6, which A has not: left out" in lines


def test_runs_of_one_seed_are_compared_without_a_word_on_noise(write: Write) -> None:
    grid, lines = compare_runs(write("one", {1: 0.5}), write("two", {1: 0.6}))
    assert row(grid, "topic") == {
        "task": "topic", "metric": "accuracy*", "A": "0.500", "B": "0.600", "B - A": "+0.100", "std. error": "–",
        "95 % interval": "–", "published": "", "": "unknown",
    }  # fmt: skip
    assert "one seed alone does not tell a difference from noise: run both with --seeds 5" in lines


def test_runs_without_a_common_seed_are_refused_with_the_seeds_of_each(write: Write) -> None:
    with pytest.raises(RunError, match=r"no seed in common \(seed 1; seeds 2, 3\).*--seeds N"):
        compare_runs(write("one", {1: 0.5}), write("two", {2: 0.6, 3: 0.7}))


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"rows": 99}, "rows 100 and 99"), ({"split": "dev_matched"}, "split dev and dev_matched")],
)
def test_tasks_scored_on_other_rows_are_not_compared_and_named(
    write: Write, changed: dict[str, Any], told: str
) -> None:
    grid, lines = compare_runs(write("one", SCORES), write("two", SCORES, **changed))
    assert [cells[0] for cells in grid.rows] == ["wiki"]
    assert f"not compared: topic, which was scored otherwise: {told}" in lines


def test_tasks_of_as_many_but_other_rows_are_not_compared_and_the_joint_score_neither(write: Write) -> None:
    grid, lines = compare_runs(write("one", SCORES), write("two", SCORES, content="other rows"))
    assert [cells[0] for cells in grid.rows] == ["wiki"]
    assert (
        "not compared: topic, which was scored otherwise: the texts or labels of its dev rows are not the same" in lines
    )
    assert "not compared: joint, since the tasks behind it are not the same" in lines


def test_a_run_that_does_not_say_what_its_rows_were_is_compared_and_that_is_told(write: Write) -> None:
    older = write("one", {1: 0.5})
    scores = scores_of(0.5)
    del scores["content"]
    (older / "evaluation" / "scores.json").write_text(json.dumps(scores))
    grid, lines = compare_runs(older, write("two", {1: 0.6}))
    assert row(grid, "topic")["B - A"] == "+0.100"
    assert "topic: whether both were scored on the same rows is not known: an older run does not say it" in lines


def test_the_joint_score_is_compared_where_both_runs_have_the_same_tasks(write: Write) -> None:
    one, two = write("one", SCORES), write("two", {seed: value + 0.1 for seed, value in SCORES.items()})
    found = row(compare_runs(one, two)[0], "joint")
    assert (found["metric"], found["B - A"], found[""]) == (
        "mean of the primary metrics",
        "+0.100",
        "outside noise: B better",
    )
    path = two / "evaluation" / "seeds.json"
    together = json.loads(path.read_text())
    together["tasks"]["more"] = together["tasks"]["topic"]
    path.write_text(json.dumps(together))
    grid, lines = compare_runs(one, two)
    assert "joint" not in [cells[0] for cells in grid.rows]
    assert "not compared: joint, since the tasks behind it are not the same" in lines


def test_an_unfinished_run_is_refused_by_name(write: Write) -> None:
    run = write("one", {1: 0.5})
    (run / "evaluation" / "scores.json").unlink()
    with pytest.raises(RunError, match=f"{run} is not finished"):
        compare_runs(run, run)


def test_published_numbers_stand_beside_ours_with_whose_they_are_the_split_and_the_source(write: Write) -> None:
    run = write("one", SCORES)
    grid, lines = compare_runs(run, run)
    assert row(grid, "topic")["published"] == "0.664 BERT-base, dev"  # of our split before that of another
    sources = [line for line in lines if line.startswith("published")]
    assert sources == [
        "published, topic accuracy: 0.664, BERT-base on dev (Somebody 2019, table 2)",
        "published, topic accuracy: 0.701, BERT-large on test (Somebody 2019, table 1)",
    ]
    together = json.loads((run / "evaluation" / "seeds.json").read_text())
    assert seed_grid(together).rows[0] == (
        "topic", "accuracy*", "0.652", "0.041", "0.660", "0.600", "0.700", "0.500", "0.664 BERT-base, dev",
    )  # fmt: skip
    assert [line for line in seed_remarks(together) if line.startswith("published")] == sources


def test_a_held_out_loss_bears_the_way_it_was_asked_in_and_is_compared_with_no_other(write: Write) -> None:
    run = write("one", SCORES)
    path = run / "evaluation" / "seeds.json"
    assert seed_grid(json.loads(path.read_text())).rows[-1][:2] == ("wiki", "held-out left-to-right LM loss")
    other = write("other", SCORES)
    masked = path.read_text().replace("left-to-right LM", "MLM")
    (other / "evaluation" / "seeds.json").write_text(masked)
    names = [[cells[0] for cells in compare_runs(run, beside)[0].rows] for beside in (run, other)]
    assert names == [["topic", "joint", "wiki"], ["topic", "joint"]]


def test_of_built_in_tasks_published_numbers_are_known_under_one_seed_too(write: Write) -> None:
    run = write("one", {1: 0.5})
    scores = scores_of(0.5)
    (run / "evaluation" / "scores.json").write_text(json.dumps({**scores, "tasks": {"rte": scores["tasks"]["topic"]}}))
    own = "{files: {train: mine.tsv, dev: mine.tsv}}"  # of 100 rows, not RTE's 277
    for task, known in (("{}", True), ("{kind: classification}", False), (own, False)):
        (run / "recipe.yaml").write_text(f"name: one\nseed: 1\ntasks: {{rte: {task}}}\nstages: []\n")
        _, lines = compare_runs(run, run)
        published = [entry for entry in TASKS["rte"].published if entry.metric == "accuracy"]
        assert published
        assert sum(line.startswith("published, rte accuracy") for line in lines) == (len(published) if known else 0)


def test_published_numbers_of_a_built_in_task_stand_beside_its_own_rows_and_labels_alone() -> None:
    rte = TASKS["rte"]
    own = replace(rte, files={"train": "mine.tsv", "dev": "mine.tsv"})
    for spec, rows, known in (
        (rte, 100, True),
        (own, 277, True),
        (own, 100, False),
        (own, 278, False),
        (replace(rte, labels=("no", "yes")), 277, False),
        (replace(rte, labels=rte.labels[::-1]), 277, True),
        (replace(rte, citation=""), 277, False),
    ):
        scores = scores_of(0.5, rows=rows)
        found = over_seeds({1: {**scores, "tasks": {"rte": scores["tasks"]["topic"]}}}, {"rte": spec})
        assert bool(found["tasks"]["rte"]["published"]) == known


def test_of_rows_without_a_label_which_are_in_no_count_none_counts_as_lacking() -> None:
    own = replace(TASKS["ocnli"], files={"train": "mine.json", "dev": "mine.json"})
    for reduced in (False, True):
        scores = scores_of(0.5, rows=2950, reduced=reduced)  # of 3,000, 50 have no label
        found = over_seeds({1: {**scores, "tasks": {"ocnli": scores["tasks"]["topic"]}}}, {"ocnli": own})
        assert bool(found["tasks"]["ocnli"]["published"]) != reduced


def test_a_reduced_set_never_bears_the_name_of_the_whole(write: Write) -> None:
    run = write("one", SCORES, reduced=True)
    assert compare_runs(run, run)[0].rows[0][0] == "topic (reduced)"


def test_the_command_compares_a_finished_run_with_itself(done: Any) -> None:
    told = CliRunner().invoke(main, ["compare", str(done.root), str(done.root)])
    assert told.exit_code == 0, told.output
    assert "A and B, paired by seed" in told.output
    assert "entity_f1*" in told.output
    assert "held-out MLM loss" in told.output


def test_runs_of_another_tokenizer_are_compared_and_after_a_changed_label_that_task_is_not(
    shared_house: Any, done: Any, tmp_path: Path
) -> None:
    def told(run: Path) -> str:
        return CliRunner().invoke(main, ["compare", str(done.root), str(run)]).output

    assert "not compared" not in told(shared_house.run("other-pieces", "tokenizer.train.size=140").root)
    data = tmp_path / "data"
    shutil.copytree(shared_house.base / "data", data)
    lines = (data / "topic-dev.tsv").read_text().splitlines()
    label, text = lines[1].split("\t")
    lines[1] = f"{'land' if label == 'sea' else 'sea'}\t{text}"
    (data / "topic-dev.tsv").write_text("\n".join(lines) + "\n")
    printed = told(shared_house.run("other-labels", f"data={data}").root)
    assert (
        "not compared: topic, which was scored otherwise: the texts or labels of its dev rows are not the s" in printed
    )
    assert "not compared: names" not in printed


def test_what_is_no_run_is_refused_in_one_message(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["compare", str(tmp_path), str(tmp_path)])
    assert told.exit_code == 1
    assert "is not a run directory" in told.stderr
