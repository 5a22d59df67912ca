"""The control state: bests, patience and the snapshots they need."""

from training.state import Best, State


def test_a_first_score_is_a_best_and_only_a_higher_one_replaces_it():
    state = State(step=1)
    assert state.record({"a": 0.5}, 0.5)
    state.step = 2
    assert not state.record({"a": 0.5}, 0.5)
    state.step = 3
    assert state.record({"a": 0.4}, 0.6)
    assert state.best == {"a": Best(0.5, 1), "joint": Best(0.6, 3)}
    assert state.snapshots() == {1, 3}


def test_patience_counts_evaluations_without_a_better_joint_score_and_starts_again_with_one():
    state = State()
    seen = []
    for step, joint in enumerate((0.5, 0.4, 0.5, 0.6, 0.6)):
        state.step = step
        state.record({"a": joint + step}, joint)  # a task of its own may rise meanwhile
        seen.append(state.without_gain)
    assert seen == [0, 1, 2, 0, 1]


def test_scores_without_a_joint_one_do_not_wear_patience_out():
    state = State(step=4)
    assert state.record({"a": 0.1}, None)
    assert not state.record({"a": 0.0}, None)
    assert (state.without_gain, state.best) == (0, {"a": Best(0.1, 4)})


def test_json_round_trip():
    state = State(3, {"a": 1}, {"a": 2}, {"a/b": 3}, {"joint": Best(0.1, 2)}, 1, True)
    assert State.from_json(state.to_json()) == state
