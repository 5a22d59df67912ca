"""The transfer benchmark: its arms differ in what they say they differ in, and its figures are computed by hand."""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.transfer import _written, command, finished, main, run_arm
from benchmarks.transfer_arms import (
    AGAINST_FORGETTING,
    ELMO,
    FIGURES,
    FORGETTING_AT,
    MASS_SHARES,
    STEPS,
    ULMFIT_WITHOUT,
    WAYS,
    Arm,
    arms_of,
    few_labels,
    forgetting_arm,
    ulmfit_arm,
)
from benchmarks.transfer_figures import few_label_curves, forgetting, layers_read, mass_sweep, ulmfit_parts
from benchmarks.transfer_lines import lines_of
from finetune.reading.read import read_split
from pipeline.cli import main as triptych
from pipeline.recipe.load import dump_resolved
from pipeline.recipe.recipe import Recipe
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import seed_folder
from tokenization.atomic import write_json, write_text

DATA = Path("nowhere")
ARMS = tuple(arms_of(tuple(FIGURES)))


def loaded(arm: Arm) -> Recipe:
    return arm.loaded(DATA, 5)


def given(runs: Path, **more: Any) -> argparse.Namespace:
    plain = {"runs": runs, "data": DATA, "seeds": 2, "sets": (), "out": None, "figures": ("layers",)}
    return argparse.Namespace(**{**plain, **more})


def sst2_stages(before: float, after: float, accuracy: float) -> dict[str, Any]:
    """Manifests of a run on SST-2: the held-out loss before and after the task's stage, and its score."""
    scores = {"sst2": {"primary": "accuracy", "metrics": {"accuracy": accuracy, "f1": 0.0}}}
    return {
        "forward": {"boundary": {"lm": {"imdb": before}, "tasks": {}}},
        "task": {"boundary": {"lm": {"imdb": after}, "tasks": scores}},
    }


def runs_of(arms: Mapping[str, list[tuple[float, float, float]]]) -> dict[str, dict[int, Any]]:
    return {name: {seed: sst2_stages(*one) for seed, one in enumerate(rows, 1)} for name, rows in arms.items()}


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_loads_with_what_is_set_in_it_and_has_five_seeds_or_three_of_bleu(arm: Arm) -> None:
    recipe = loaded(arm)
    assert recipe.name == Path(arm.recipe).stem
    assert recipe.seeds.count == (3 if arm in FIGURES["mass"] else 5)


def test_arms_have_names_of_their_own() -> None:
    assert (
        len({arm.name for arm in ARMS})
        == len(ARMS)
        == (len(STEPS) * len(WAYS) + 2 * 3 + 2 + len(MASS_SHARES) + 1 + len(ULMFIT_WITHOUT))
    )


def test_every_way_to_use_few_labels_shares_the_general_stage_and_gives_the_labels_the_same() -> None:
    for percent, steps in STEPS.items():
        recipes = {way: loaded(few_labels(way, percent)) for way in WAYS}
        plain = recipes["none"]
        for way, recipe in recipes.items():
            task = recipe.stage("task")
            assert recipe.stage("general") == plain.stage("general"), way
            assert (recipe.encoder, recipe.tokenizer, recipe.corpora) == (plain.encoder, plain.tokenizer, plain.corpora)
            assert task.model_copy(update={"streams": task.streams[:1], "parent": None}) == plain.stage(
                "task"
            ).model_copy(update={"parent": None}), way
            assert (task.steps, task.carry, recipe.tasks["sst2"].limit) == (steps, "last", plain.tasks["sst2"].limit)


def test_the_ways_differ_in_what_they_are_named_after() -> None:
    recipes = {way: loaded(few_labels(way, 10)) for way in WAYS}
    beside = {
        way: [(objective.name, stream.source.model_dump()) for stream in recipe.stage("task").streams[1:]
              for objective in stream.objectives]
        for way, recipe in recipes.items()
    }  # fmt: skip
    text = {"text_of": ("unlabelled",), "split": "train"}
    assert beside == {
        "none": [], "adapt": [], "pet": [],
        "auxiliary": [("mlm", text)],
        "cvt": [("view_consistency", text)],
    }  # fmt: skip
    assert [stage.name for stage in recipes["adapt"].stages] == ["general", "domain", "task"]
    assert recipes["adapt"].stage("domain").steps == recipes["adapt"].stage("task").steps == STEPS[10]
    assert recipes["pet"].tasks["sst2"].cloze is not None


def test_what_runs_against_forgetting_differs_in_that_alone() -> None:
    for percent in FORGETTING_AT:
        recipes = {way: loaded(forgetting_arm(way, percent)) for way in AGAINST_FORGETTING}
        alone, streams = recipes["none"], {}
        for way, recipe in recipes.items():
            task = recipe.stage("task")
            streams[way] = [stream.source.model_dump() for stream in task.streams[1:]]
            assert recipe.stage("forward") == alone.stage("forward")
            assert task.model_copy(update={"streams": task.streams[:1]}) == alone.stage("task")
            assert (recipe.tasks, recipe.evaluation) == (alone.tasks, alone.evaluation)
        assert streams == {
            "none": [],
            "auxiliary": [{"text_of": ("unlabelled",), "split": "train"}],
            "rehearsal": [{"blocks_of": "imdb", "length": 64}],
        }


def test_one_ten_and_a_hundred_per_cent_of_the_rows_are_asked_for_exactly() -> None:
    asked = {percent: loaded(few_labels("none", percent)).tasks["sst2"].limit["train"] for percent in STEPS}
    assert asked == {1: 673, 10: 6735, 100: 67349}


def test_the_spans_of_mass_have_the_share_that_the_arm_is_named_after() -> None:
    alone, after_words, *sweep = map(loaded, FIGURES["mass"])
    for arm, share in zip(FIGURES["mass"][2:], MASS_SHARES, strict=True):
        stream, words = loaded(arm).stage("spans").streams
        assert [objective.name for objective in words.objectives] == ["mlm"]
        assert (arm.name, stream.objectives[0].settings.share) == (f"mass-{share}", share)
    whole = sweep[0]
    assert whole.stage("translation").model_copy(update={"parent": None}) == alone.stage("translation")
    assert whole.stage("translation") == after_words.stage("translation")
    assert whole.stage("spans").streams[1:] == after_words.stage("spans").streams
    assert whole.stage("spans").steps == after_words.stage("spans").steps
    assert whole.tasks == alone.tasks == after_words.tasks


@pytest.mark.data
def test_the_rows_kept_are_as_many_as_asked_and_the_fewer_are_among_the_more(data_folder: Path) -> None:
    kept = {}
    for percent in STEPS:
        spec = loaded(few_labels("none", percent)).tasks["sst2"].spec("sst2")
        split = read_split(spec, data_folder, "train")
        kept[percent] = {example.id for example in split.examples}
        assert split.limited is (percent != 100)
    assert [len(ids) for ids in kept.values()] == [673, 6735, 67349]
    assert kept[1] < kept[10] < kept[100]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("arm", [*FIGURES["few-labels"][:5], *FIGURES["mass"][:3], ELMO], ids=lambda arm: arm.name)
def test_an_arm_is_planned_on_the_real_data(arm: Arm, data_folder: Path, tmp_path: Path) -> None:
    words = command(arm, given(tmp_path, data=data_folder))
    planned = CliRunner().invoke(triptych, ["plan", *words[2:]])
    assert planned.exit_code == 0, planned.output
    last = arm.loaded(data_folder, 2).stages[-1].name
    assert f"seed 2, {last}: START" in planned.output


def test_few_labels_by_hand() -> None:
    runs = runs_of(
        {
            "none-1": [(3.0, 3.5, 0.50), (3.0, 3.5, 0.60), (3.0, 3.5, 0.70)],
            "cvt-1": [(3.0, 3.5, 0.60), (3.0, 3.5, 0.80), (3.0, 3.5, 0.70)],
        }
    )
    found = few_label_curves(runs)
    plain, views = found["none"]["673"], found["cvt"]["673"]
    assert (plain["mean"], plain["sd"], plain["against"]) == (pytest.approx(0.6), pytest.approx(0.1), None)
    # Differences 0.1, 0.2, 0: mean 0.1, sd 0.1; t with 2 degrees at 97.5 % is 4.302653.
    assert views["against"]["difference"] == pytest.approx(0.1)
    assert views["against"]["interval"] == pytest.approx((0.1 - 4.302653 * 0.1 / 3**0.5, 0.1 + 4.302653 * 0.1 / 3**0.5))
    assert views["against"]["verdict"] == "within noise"
    assert found["pet"] == {}
    assert any("cvt" in line and "673 rows  0.7000 (sd 0.1000)" in line for line in lines_of("few-labels", found))


ALONE = [(3.0, 3.8, 0.70), (3.0, 4.0, 0.72), (3.0, 4.2, 0.74)]


@pytest.mark.parametrize(
    ("beside", "halved", "held"),
    [
        ([(3.0, 3.4, 0.70), (3.0, 3.4, 0.71), (3.0, 3.4, 0.74)], True, True),  # 0.4 of 1.0 is left; a hundredth lost
        ([(3.0, 3.5, 0.75), (3.0, 3.5, 0.77), (3.0, 3.5, 0.79)], True, True),  # exactly half; better
        ([(3.0, 3.7, 0.70), (3.0, 3.7, 0.72), (3.0, 3.7, 0.74)], False, True),
        ([(3.0, 2.9, 0.601), (3.0, 2.9, 0.62), (3.0, 2.9, 0.639)], True, False),  # each seed loses a tenth
    ],
)
def test_forgetting_and_its_bar_by_hand(beside: list[tuple[float, float, float]], halved: bool, held: bool) -> None:
    found = forgetting(runs_of({"forgetting-none-10": ALONE, "forgetting-auxiliary-10": beside}))["6735"]
    assert found["none"]["forgotten"]["mean"] == pytest.approx(1.0)
    assert found["none"]["forgotten"]["sd"] == pytest.approx(0.2)
    assert "halved" not in found["none"]
    assert (found["auxiliary"]["halved"], found["auxiliary"]["score_held"]) == (halved, held)


def test_what_was_not_forgotten_cannot_be_halved_and_one_seed_tells_no_noise() -> None:
    kept = [(3.0, 2.9, 0.7), (3.0, 3.0, 0.7)]
    found = forgetting(runs_of({"forgetting-none-100": kept, "forgetting-rehearsal-100": kept}))
    assert found["67349"]["rehearsal"]["halved"] is None
    found = forgetting(
        runs_of({"forgetting-none-100": [(3.0, 4.0, 0.7)], "forgetting-rehearsal-100": [(3.0, 3.2, 0.6)]})
    )
    assert found["67349"]["rehearsal"]["score_held"] is None
    told = "\n".join(lines_of("forgetting", found))
    assert "forgetting at least halved (-0.3000 nats against half, unknown)" in told
    assert "one seed tells no noise" in told


def test_bleu_is_compared_with_translation_alone_under_the_same_seeds() -> None:
    def stages(bleu: float) -> dict[str, Any]:
        return {"translation": {"boundary": {"tasks": {"translate": {"primary": "bleu", "metrics": {"bleu": bleu}}}}}}

    alone, after = (
        {seed: stages(bleu) for seed, bleu in rows} for rows in (((1, 0.20), (2, 0.22)), ((1, 0.23), (2, 0.27)))
    )
    found = mass_sweep({"translation-alone": alone, "mass-0.5": after})
    assert list(found) == ["none", "0.5"]
    assert found["0.5"]["mean"] == pytest.approx(0.25)
    assert found["0.5"]["against"]["difference"] == pytest.approx(0.04)
    assert found["none"]["against"] is None
    assert any("0.5         BLEU 0.2500 (sd 0.0283)  +0.0400" in line for line in lines_of("mass", found))


def test_ulmfit_without_a_part_lacks_that_part_alone() -> None:
    whole = loaded(ulmfit_arm("nothing"))
    task, head = whole.stage("task"), whole.tasks["sst2"].spec("sst2").design
    lacking = {without: loaded(ulmfit_arm(without)) for without in ULMFIT_WITHOUT if without != "nothing"}
    tasks = {without: recipe.stage("task") for without, recipe in lacking.items()}
    assert (task.parent, tasks["domain"].parent) == ("domain", "forward")
    assert (task.optimizer.layer_decay, tasks["rates"].optimizer.layer_decay) == (2.6, None)
    assert (task.schedule.kind, tasks["slanted"].schedule.kind) == ("slanted", "linear")
    assert task.unfreeze is not None
    assert tasks["unfreezing"].unfreeze is None
    assert (head.pool, lacking["concat"].tasks["sst2"].spec("sst2").design.pool) == ("concat", "row")
    for without, field in (
        ("domain", "parent"),
        ("rates", "optimizer"),
        ("slanted", "schedule"),
        ("unfreezing", "unfreeze"),
    ):
        assert tasks[without].model_copy(update={field: getattr(task, field)}) == task
        assert lacking[without].tasks == whole.tasks
    assert tasks["concat"] == task


def test_ulmfit_is_compared_with_the_whole_under_the_same_seeds() -> None:
    def stages(accuracy: float) -> dict[str, Any]:
        return sst2_stages(3.0, 3.0, accuracy)

    found = ulmfit_parts(
        {
            "ulmfit-without-nothing": {1: stages(0.70), 2: stages(0.74)},
            "ulmfit-without-rates": {1: stages(0.75), 2: stages(0.77)},
        }
    )
    assert found["nothing"]["against"] is None
    assert found["rates"]["against"]["difference"] == pytest.approx(0.04)
    assert any("without rates" in line and "against the whole" in line for line in lines_of("ulmfit", found))


def test_shares_of_layers_are_averaged_layer_by_layer() -> None:
    def stages(*shares: float) -> dict[str, Any]:
        return {"multitask": {"layer_shares": {"sst2": {"input": {"shares_K": list(shares), "gamma": 1.0}}}}}

    found = layers_read({"elmo": {1: stages(0.2, 0.8), 2: stages(0.4, 0.6)}})["sst2"]["input"]
    assert [one["mean"] for one in found["shares_K"]] == pytest.approx([0.3, 0.7])
    assert [one["sd"] for one in found["shares_K"]] == pytest.approx([0.2 / 2**0.5] * 2)
    assert layers_read({}) == {}


def test_only_a_later_arm_that_finds_the_first_is_told_to_share(tmp_path: Path) -> None:
    first, later = few_labels("none", 1), few_labels("cvt", 10)
    assert "--share" not in command(later, given(tmp_path))
    (tmp_path / first.name).mkdir()
    (tmp_path / first.name / "recipe.yaml").touch()
    words = command(later, given(tmp_path))
    assert words[words.index("--share") + 1] == str(tmp_path / first.name)
    assert "--share" not in command(first, given(tmp_path))


def test_an_arm_is_finished_under_its_very_settings_once_every_stage_of_every_seed_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ELMO.name)
    write_text(folder.recipe, dump_resolved(ELMO.loaded(DATA, 2)))
    for root in (folder, seed_folder(folder, 2)):
        for stage in ("both-ways", "multitask"):
            assert finished(ELMO, given(tmp_path)) is None
            root.stage(stage).root.mkdir(parents=True)
            write_json(root.stage(stage).manifest, {"stage": stage})
    found = finished(ELMO, given(tmp_path))
    assert found == {seed: {stage: {"stage": stage} for stage in ("both-ways", "multitask")} for seed in (1, 2)}
    for other in ({"seeds": 1}, {"seeds": 3}, {"sets": ("multitask.steps=9",)}, {"data": Path("elsewhere")}):
        assert finished(ELMO, given(tmp_path, **other)) is None, other


def test_figures_with_an_arm_missing_or_with_few_seeds_are_not_written(tmp_path: Path) -> None:
    assert _written({}, ["elmo"], given(tmp_path)) == "not written yet: still to be run: elmo"
    assert "fewer than 5 seeds" in _written({}, [], given(tmp_path))
    out = tmp_path / "out.json"
    assert _written({"layers": {}}, [], given(tmp_path, out=out)) == f"written to {out}"
    assert '"layers"' in out.read_text(encoding="utf-8")


def test_what_no_arm_has_is_refused_before_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    for words, told in (
        (["--figures", "masses"], "masses: there is none"),
        (["--arms", "none-2"], "none-2: there is none"),
        (["--figures", "mass", "--set", "spans.steps=4"], "translation-alone: --set spans.steps"),
        (["--seeds", "0"], "none-1: --seeds 0"),
    ):
        monkeypatch.setattr(sys, "argv", ["transfer", "--data", "nowhere", *words])
        with pytest.raises(SystemExit, match=told):
            main()


TINY = (
    "tokenizer.train.documents=60", "corpora.imdb.documents=200", "encoder.layers=1", "encoder.hidden=32",
    "encoder.heads=2", "encoder.feed_forward=32", "general.steps=4", "task.steps=3", "tasks.sst2.limit.dev=64",
    "evaluation.ledger.tokens=1000",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.data
def test_an_arm_runs_to_its_figure_takes_over_the_general_stage_and_is_not_run_again(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = given(tmp_path, data=data_folder, sets=TINY, figures=("few-labels",))
    first, later = few_labels("none", 1), few_labels("cvt", 1)
    assert finished(first, asked) is None
    for arm in (first, later):
        run_arm(arm, asked)
    runs = {arm.name: found for arm in (first, later) if (found := finished(arm, asked))}
    assert [list(found) for found in runs.values()] == [[1, 2], [1, 2]]
    clocks = [runs[arm.name][1]["general"]["clock"] for arm in (first, later)]
    assert clocks[0] == clocks[1]
    assert len(few_label_curves(runs)["cvt"]["673"]["against"]["seeds"]) == 2
    monkeypatch.setattr(subprocess, "run", None)
    run_arm(first, asked)
    assert finished(first, given(tmp_path, data=data_folder, sets=(*TINY, "task.optimizer.rate=1e-4"))) is None
    assert finished(first, given(tmp_path, data=data_folder, sets=TINY, seeds=3)) is None
