"""Stages taken over from another run: only equal ones, and neither run can change the other's."""

import json

import pytest

from tests.pipeline.two_ranks import TRIPTYCH, as_words, losses, on_two_ranks
from tokenization.errors import RecipeError, RunError

OTHER_LAST = ("multitask.optimizer.rate=2e-2",)


def test_equal_stages_are_taken_over_and_the_result_is_that_of_a_run_of_its_own(house, lasting) -> None:
    first = house.run("first")
    alone = house.run("alone", *OTHER_LAST)
    taken = house.run("taken", *OTHER_LAST, share=(first.root,))
    assert lasting(taken.root) == lasting(alone.root)
    for name, same in (("general", True), ("domain", True), ("multitask", False)):
        own, its = (json.loads(run.stage(name).manifest.read_text()) for run in (taken, first))
        assert (own["clock"] == its["clock"]) is same, name


def test_a_stage_whose_settings_or_parent_differ_is_trained_here(house) -> None:
    first = house.run("first")
    before = first.stage("domain").manifest.read_bytes()
    other = house.run("other", "general.optimizer.rate=5e-3", share=(first.root,))
    for name in ("general", "domain"):
        own, its = (json.loads(run.stage(name).manifest.read_text()) for run in (other, first))
        assert own["clock"] != its["clock"], name
    assert first.stage("domain").manifest.read_bytes() == before


def test_another_evaluation_of_a_stage_taken_over_leaves_the_other_run_as_it_was(house, lasting) -> None:
    first = house.run("first")
    before = lasting(first.root)
    house.run("other", "evaluation.ledger.rate=0.3", share=(first.root,))
    assert lasting(first.root) == before


def test_a_folder_that_is_no_run_is_refused(house) -> None:
    with pytest.raises(RunError, match="no run directory"):
        house.run("other", share=(house.base,))


def test_a_stage_alone_starts_from_parents_that_are_taken_over(house, lasting) -> None:
    first = house.run("first")
    before = lasting(first.root)
    taken = house.run("taken", *OTHER_LAST, share=(first.root,), only="multitask")
    for name in ("general", "domain"):
        own, its = (json.loads(run.stage(name).manifest.read_text()) for run in (taken, first))
        assert own["clock"] == its["clock"], name
    alone = house.run("alone", *OTHER_LAST)
    assert lasting(taken.root) == lasting(alone.root)
    assert lasting(first.root) == before


@pytest.mark.slow
def test_two_ranks_take_over_what_a_stage_alone_starts_from(house) -> None:
    first = house.run("first")
    taken = house.folder("taken")
    words = ["run", house.file, "--run-dir", taken.root, "--share", first.root, "--only", "multitask"]
    on_two_ranks(house, *TRIPTYCH, *words, *as_words(*OTHER_LAST))
    alone = house.run("alone", *OTHER_LAST)
    assert losses(taken, "multitask") == pytest.approx(losses(alone, "multitask"), rel=1e-5)


def test_a_stage_alone_is_refused_where_the_parents_that_are_shared_are_others(house) -> None:
    first = house.run("first", only="general")
    with pytest.raises(RunError, match="stage multitask starts from domain, which is not finished"):
        house.run("other", "general.optimizer.rate=5e-3", share=(first.root,), only="multitask")
    assert not house.folder("other").stage("general").root.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("domain.optimizer.rate=5e-3", "stage multitask starts from domain, which is not finished"),
        ("multitask.aux.objectives=[mass]", "'mass' cuts a span out of one stretch"),
    ],
)
def test_where_a_stage_alone_is_refused_nothing_is_linked_or_written(shared_house, done, given, told):
    """The first stage is the same and could be taken over."""
    with pytest.raises((RunError, RecipeError), match=told):
        shared_house.run("refused", given, share=(done.root,), only="multitask")
    assert not list(shared_house.folder("refused").root.iterdir())
