"""What `run` does with what it finds: every row of the table of decisions."""

import json

import pytest

from tokenization.errors import CheckpointError
from training.checkpoint import StageFolder
from training.manifest import decide, differences, read_record

IDENTITY = {"seed": 1, "optimizer": {"rate": 0.001, "betas": [0.9, 0.98]}}


@pytest.fixture
def stage(tmp_path):
    """A stage's folder: begun for so many steps, checkpoints saved at some, finished at one or not."""

    def make(begun=None, saved=(), finished=None):
        folder = StageFolder(tmp_path)
        record = {"identity": IDENTITY, "steps": begun}
        if begun is not None:
            folder.started.write_text(json.dumps(record))
        for step in saved:
            folder.checkpoint(step).mkdir(parents=True)
        if finished is not None:
            folder.manifest.write_text(json.dumps({**record, "state": {"step": finished}}))
        return folder

    return make


@pytest.mark.parametrize(
    ("begun", "saved", "finished", "steps", "extend", "action", "step", "why"),
    [
        (None, [], None, 100, False, "start", 0, "nothing saved"),
        (None, [], None, 100, True, "start", 0, "nothing saved"),
        (100, [], None, 100, False, "start", 0, "no checkpoint was reached"),
        (100, [], None, 200, False, "start", 0, "no checkpoint was reached"),
        (100, [40, 60], None, 100, False, "resume", 60, "step 60 of 100"),
        (100, [80, 100], None, 100, False, "resume", 100, "step 100 of 100"),
        (100, [40, 60], None, 200, False, "refuse", 0, "begun for 100 steps, now 200: allow it with --extend"),
        (100, [40, 60], None, 200, True, "resume", 60, "step 60 of 200"),
        (100, [40, 60], None, 80, True, "resume", 60, "step 60 of 80"),
        (100, [40, 60], None, 50, True, "refuse", 0, "already taken 60 steps; the recipe now asks for 50"),
        (100, [40, 60], None, 50, False, "refuse", 0, "already taken 60 steps"),
        (100, [80, 100], 100, 100, False, "skip", 0, "finished, 100 steps"),
        (100, [80, 100], 100, 100, True, "skip", 0, "finished, 100 steps"),
        (100, [40], 40, 100, False, "skip", 0, "finished, 40 steps"),
        (100, [80, 100], 100, 150, False, "refuse", 0, "finished at 100 steps, now 150: go on with --extend"),
        (100, [80, 100], 100, 150, True, "resume", 100, "extended from 100 to 150"),
        (100, [], 100, 150, True, "refuse", 0, "no checkpoint is left"),
        (100, [80, 100], 100, 50, True, "refuse", 0, "finished at 100 steps; the recipe now asks for 50"),
    ],
)
def test_the_decision(stage, begun, saved, finished, steps, extend, action, step, why):
    decision = decide(stage(begun, saved, finished), IDENTITY, steps, extend)
    assert (decision.action, decision.step) == (action, step)
    assert why in decision.why


@pytest.mark.parametrize("finished", [None, 100])
def test_another_identity_is_refused_and_the_differing_fields_are_listed(stage, finished):
    now = {"seed": 2, "optimizer": {"rate": 0.0005, "betas": [0.9, 0.98]}}
    decision = decide(stage(100, [100], finished), now, 100, extend=True)
    assert decision.action == "refuse"
    assert decision.why.splitlines()[1:] == ["  optimizer.rate: 0.001 then, 0.0005 now", "  seed: 1 then, 2 now"]


def test_differences_name_fields_that_only_one_side_has_and_whole_lists():
    before = {"a": 1, "list": [1, 2], "same": {"x": None}}
    now = {"b": {"c": 1}, "list": [1, 3], "same": {"x": None}}
    assert differences(before, now) == [
        '  a: 1 then, "(not given)" now',
        '  b: "(not given)" then, {"c": 1} now',
        "  list: [1, 2] then, [1, 3] now",
    ]


def test_equal_identities_have_no_differences_whatever_the_order_of_their_keys():
    assert differences(IDENTITY, dict(reversed(IDENTITY.items()))) == []


@pytest.mark.parametrize("name", ["started", "manifest"])
def test_a_damaged_record_is_refused_with_the_way_on(stage, name):
    folder = stage(100)
    getattr(folder, name).write_text('{"identity": {"se')
    with pytest.raises(CheckpointError, match=r"\.json: not readable as JSON. Rerun this stage with --from"):
        read_record(folder)


def test_a_stage_that_reached_no_checkpoint_starts_under_any_identity(stage):
    assert decide(stage(100), {"seed": 2}, 50, extend=False).action == "start"
