"""Stages as recipes compose them: any order, labelled tasks anywhere, replay, sampling, and which weights go on."""

import json
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import pytest
import torch

from pipeline.compose import mixture_of
from pipeline.run_folder import RunFolder
from tokenization.errors import RecipeError
from training.checkpoint import load_weights
from training.loop import Evaluation


def lines(folder: RunFolder, stage: str, kind: str = "step") -> list[dict[str, Any]]:
    records = [json.loads(line) for line in folder.stage(stage).metrics.read_text().splitlines()]
    return [record for record in records if record["kind"] == kind]


def manifest(folder: RunFolder, stage: str) -> dict[str, Any]:
    return json.loads(folder.stage(stage).manifest.read_text())


def weights(folder: RunFolder, stage: str, step: int) -> dict[str, torch.Tensor]:
    return load_weights(folder.stage(stage).checkpoint(step) / "weights.safetensors")


def scripted(joints: Iterable[float]) -> Any:
    """Evaluations that come out as the test wants them."""
    left = iter(joints)

    def evaluation(scores: Any) -> Evaluation:
        value = next(left)
        return Evaluation({"topic": {"accuracy": value}}, {"topic": value}, value)

    return patch("pipeline.stage_run.evaluation_of", evaluation)


def test_alternate_asks_one_task_a_step_in_proportion_to_size_beside_the_auxiliary_lm(done: RunFolder) -> None:
    tasks = [[name for name in record["terms"] if not name.startswith("aux/")] for record in lines(done, "multitask")]
    assert {len(names) for names in tasks} == {1}
    # Three tasks of 30 rows, 6 a step: rounds of 5 + 5 + 5 steps, whole ones after 30 of the 40 steps.
    first = [names[0] for names in tasks[:30]]
    assert {name: first.count(name) for name in first} == {
        "topic/classification": 10,
        "alike/regression": 10,
        "names/tagging": 10,
    }
    assert len(set(map(tuple, (first[:15], first[15:])))) == 2  # another order each round
    assert all("aux/mlm" in record["terms"] for record in lines(done, "multitask"))


def test_the_auxiliary_weight_follows_its_exponential_schedule(done: RunFolder) -> None:
    found = [record["terms"]["aux/mlm"]["weight"] for record in lines(done, "multitask")]
    assert found == pytest.approx([0.2 * (0.1 / 0.2) ** (n / 39) for n in range(40)])


def test_sampling_every_asks_all_tasks_at_each_step_and_weighs_them_by_their_share(shared_house: Any) -> None:
    folder = shared_house.run(
        "every", "multitask.sampling=every", "multitask.topic.amount.examples=4", "multitask.steps=2",
        "multitask.parent=null", only="multitask",
    )  # fmt: skip
    shares = {"topic/classification": 4 / 16, "alike/regression": 6 / 16, "names/tagging": 6 / 16}
    for record in lines(folder, "multitask"):
        assert {name: term["weight"] for name, term in record["terms"].items() if name in shares} == shares
        assert record["loss"] == pytest.approx(sum(t["loss"] * t["weight"] for t in record["terms"].values()))


def test_replay_is_a_second_stream_with_its_own_amount_and_weight(done: RunFolder) -> None:
    for record in lines(done, "domain"):
        assert record["terms"]["replay/mlm"]["weight"] == 0.5
        assert record["terms"]["domain-blocks/mlm"]["weight"] == 1.0
    tokens = manifest(done, "domain")["state"]["tokens"]
    assert tokens["replay"] == pytest.approx(6 * 100, rel=0.25)
    assert tokens["domain-blocks"] == pytest.approx(6 * 300, rel=0.25)


def test_idle_heads_stand_still_and_every_head_rides_along(done: RunFolder) -> None:
    before, after = weights(done, "general", 8), weights(done, "domain", 6)
    assert before.keys() == after.keys()
    for name in before:
        idle = name.startswith("heads.nsp") or name.startswith("pooler")
        assert torch.equal(before[name], after[name]) == idle, name
    later = weights(done, "multitask", 40)
    assert {name.split(".")[1] for name in later if name.startswith("heads.")} == {
        "mlm",
        "nsp",
        "topic",
        "alike",
        "names",
    }
    assert all(torch.equal(later[name], after[name]) for name in after if name.startswith("heads.nsp"))


def test_a_labelled_task_can_stand_in_the_first_stage(house: Any) -> None:
    house.rewrite(
        "objectives: [mlm, nsp], amount: {tokens: 400}}",
        "objectives: [mlm, nsp], amount: {tokens: 400}}\n      - {source: {task: topic}, amount: {examples: 4}}",
    )
    folder = house.run("r", only="general")
    assert all(
        record["terms"].keys() == {"general-pairs/mlm", "general-pairs/nsp", "topic/classification"}
        for record in lines(folder, "general")
    )
    assert manifest(folder, "general")["boundary"]["tasks"].keys() == {"topic"}


def test_stages_may_be_left_out_repeated_and_reordered(house: Any) -> None:
    text = house.file.read_text()
    head, _, domain, multitask = text.replace("\n  - name: ", "\0\n  - name: ").split("\0")
    again = domain.replace("name: domain", "name: domain-again").replace("steps: 6", "steps: 3")
    short = multitask.replace("steps: 40", "steps: 12").replace("every: 8", "every: 6")
    house.file.write_text(head + domain + short + again, encoding="utf-8")
    folder = house.run("r")
    scores = json.loads(folder.scores.read_text())
    assert scores["ledger"]["columns"] == ["domain", "multitask", "domain-again"]
    rows = {row["name"]: row["values"] for row in scores["ledger"]["rows"]}
    assert None not in rows["domain: held-out MLM loss"]  # the first stage with a corpus reads these two
    assert rows["topic accuracy"][0] is None
    assert rows["topic accuracy"][2] is not None  # an earlier stage's task is measured later too
    assert scores["tasks"].keys() == {"topic", "alike", "names"}
    # The same stream under another stage's name draws other masks from the same text.
    assert lines(folder, "domain")[0]["loss"] != lines(folder, "domain-again")[0]["loss"]


def test_a_stage_starts_from_the_weights_its_parent_carries(shared_house: Any, done: RunFolder) -> None:
    record = manifest(done, "domain")
    assert record["parent"] == "general"
    assert record["identity"]["parent"] == manifest(done, "general")["carry"]["hash"]
    # At a rate of practically nothing the weights after a step are the parent's.
    still = shared_house.run("still", "domain.optimizer.rate=1e-30", only="general")
    shared_house.run("still", "domain.optimizer.rate=1e-30", only="domain")
    parent, child = weights(still, "general", 8), weights(still, "domain", 6)
    assert all(torch.equal(parent[name], child[name]) for name in parent)


def test_early_stopping_ends_the_stage_after_so_many_evaluations_without_gain(shared_house: Any) -> None:
    sets = ("multitask.evaluate.patience=2", "multitask.parent=null")
    with scripted([0.3, 0.8, 0.5, 0.8, 0.9]):
        folder = shared_house.run("early", *sets, only="multitask")
    assert [record["step"] for record in lines(folder, "multitask", "evaluation")] == [8, 16, 24, 32]
    state = manifest(folder, "multitask")["state"]
    assert (state["step"], state["stopped"], state["without_gain"]) == (32, True, 2)
    assert state["best"]["joint"] == {"score": 0.8, "step": 16}  # an equal score is no gain


def test_an_early_stop_holds_when_the_run_broke_off_before_its_manifest(shared_house: Any) -> None:
    sets = ("multitask.evaluate.patience=1", "multitask.parent=null")
    with (
        scripted([0.8, 0.5]),
        patch("pipeline.stage_run.measure_boundary", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        shared_house.run("early-broken", *sets, only="multitask")
    with scripted([]):  # another evaluation would fail
        folder = shared_house.run("early-broken", *sets, only="multitask")
    assert manifest(folder, "multitask")["state"]["step"] == 16


def test_an_early_stop_is_taken_back_by_extend(shared_house: Any) -> None:
    sets = ("multitask.evaluate.patience=1", "multitask.parent=null", "multitask.schedule.kind=constant")
    with scripted([0.8, 0.5]):
        shared_house.run("early-grown", *sets, only="multitask")
    with scripted([0.9, 0.7]):
        folder = shared_house.run("early-grown", *sets, "multitask.steps=48", only="multitask", extend=True)
    state = manifest(folder, "multitask")["state"]
    assert (state["step"], state["best"]["joint"]) == (32, {"score": 0.9, "step": 24})


def test_the_joint_best_is_what_goes_on_and_what_is_exported(house: Any) -> None:
    # After the first stage, so that weights with an LM head and a pair head are exported too.
    with scripted([0.3, 0.8, 0.5, 0.7, 0.2]):
        folder = house.run("r")
    best = manifest(folder, "multitask")
    assert best["carry"]["which"] == "best"
    assert best["carry"]["file"] == "snapshots/step-00000016.safetensors"
    snapshot, last = load_weights(folder.stage("multitask").snapshot(16)), weights(folder, "multitask", 40)
    exported = load_weights(folder.export / "model.safetensors")
    theirs, ours = "bert.embeddings.word_embeddings.weight", "encoder.embeddings.word.weight"
    assert torch.equal(exported[theirs], snapshot[ours])
    assert not torch.equal(exported[theirs], last[ours])


def test_each_tasks_own_best_is_recorded_with_its_step_and_kept(done: RunFolder) -> None:
    evaluations = lines(done, "multitask", "evaluation")
    best = manifest(done, "multitask")["state"]["best"]
    primary = {"topic": "accuracy", "alike": "pearson_spearman", "names": "entity_f1"}
    for task, metric in primary.items():
        values = [record["scores"][task][metric] for record in evaluations]
        assert best[task]["score"] == max(values)
        assert best[task]["step"] == evaluations[values.index(max(values))]["step"]
        assert done.stage("multitask").snapshot(best[task]["step"]).is_file()
    joints = [record["joint"] for record in evaluations]
    assert best["joint"] == {"score": max(joints), "step": evaluations[joints.index(max(joints))]["step"]}
    kept = {path.stem for path in done.stage("multitask").snapshot(0).parent.iterdir()}
    assert len(kept) <= len({entry["step"] for entry in best.values()}) + 1  # what no checkpoint refers to is gone


def test_an_item_larger_than_a_micro_batch_is_refused_with_its_stream_and_size(shared_house: Any) -> None:
    materials = shared_house.materials("r", "engine.micro_batch_tokens=40")
    with pytest.raises(RecipeError, match=r"streams\[general-pairs\]: its largest item has 48 tokens.*\(40\)"):
        mixture_of(materials, materials.recipe.stage("general"))


def test_candidates_too_large_for_a_micro_batch_are_refused_with_the_task_and_what_to_lower(house: Any) -> None:
    row = {"text": "the ship", "options": [f"near a reef {n}" for n in range(40)], "label": 3}
    (house.base / "data" / "picks.jsonl").write_text(f"{json.dumps(row)}\n")
    files = "{train: picks.jsonl, dev: picks.jsonl}"
    house.rewrite(
        "tasks:\n", f"tasks:\n  picks: {{kind: choice, fields: [text, options], length: 16, files: {files}}}\n"
    )
    materials = house.materials("r", "multitask.streams=[{source: {task: picks}, amount: {examples: 1}}]")
    size = int(materials.encoded("picks", "train").lengths_I[0])
    assert size > 256  # the budget
    told = rf"streams\[picks\]: its largest item has {size} tokens.*\(256\).*lower tasks\.picks\.length \(16\)"
    with pytest.raises(RecipeError, match=told):
        mixture_of(materials, materials.recipe.stage("multitask"))


def test_a_task_may_not_take_the_name_of_an_objectives_head(house: Any) -> None:
    house.rewrite("  topic:\n", "  mlm:\n")
    house.rewrite("{task: topic}", "{task: mlm}")
    house.rewrite("[topic, alike]", "[mlm, alike]")
    with pytest.raises(RecipeError, match=r"tasks\.mlm: this name is taken"):
        house.run("r")
