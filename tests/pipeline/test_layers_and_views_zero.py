"""Cross-view training, rates by layer and unfreezing on two ranks under DeepSpeed: the curves of PlainEngine on one."""

import pytest

from tests.pipeline.two_ranks import losses, run_under_zero

pytestmark = pytest.mark.slow

SETS = (
    "multitask.parent=null",
    "multitask.steps=12",
    "multitask.evaluate=null",
    "multitask.optimizer.layer_decay=2.6",
    "multitask.unfreeze={kind: gradual, every: 4}",
    "multitask.streams=[{source: {task: topic}, amount: {examples: 6}}, {source: {task: names}, amount: {examples: 6}},"
    "{name: views, source: {text_of: [names]}, objectives: [{view_consistency: {task: names}}], amount: {examples: 5}}"
    "]",
)


@pytest.fixture(scope="module")
def alone(shared_house):
    return shared_house.run("views-alone", *SETS, only="multitask")


@pytest.mark.parametrize("stage", [2])
def test_views_and_layers_train_under_zero_as_under_the_plain_engine(shared_house, alone, stage):
    both = run_under_zero(shared_house, stage, f"views-zero{stage}", *SETS, only="multitask")
    assert losses(both, "multitask") == pytest.approx(losses(alone, "multitask"), rel=1e-5)
