"""DeepSpeed's JSON: one owner per key, nothing ignored in silence."""

import json
import re
from pathlib import Path

import pytest

from pipeline import ds_config
from pipeline.ds_config import load_ds_config
from pipeline.recipe.paths import INSTALLED
from tokenization.errors import RecipeError

SHIPPED = sorted((INSTALLED / "ds_configs").glob("*.json"))
STAGES = {"zero0": 0, "zero1": 1, "zero2": 2, "zero3": 3, "zero3-offload": 3}


def refusal(folder: Path, config) -> str:
    path = folder / "ds.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_ds_config(path)
    assert all(line.startswith(str(path)) for line in str(caught.value).splitlines())
    return str(caught.value)


def test_the_shipped_files_are_those_of_the_readme_and_have_the_stage_of_their_name():
    assert {path.stem: load_ds_config(path)["zero_optimization"]["stage"] for path in SHIPPED} == STAGES
    rows = re.findall(r"^\| `(\S+)\.json`", (INSTALLED / "ds_configs" / "README.md").read_text(), re.MULTILINE)
    assert rows == list(STAGES)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_is_short_and_holds_zero_and_communication_only(path):
    assert len(path.read_text().splitlines()) < 25
    assert set(load_ds_config(path)) == {"communication_data_type", "zero_optimization"}


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_the_readmes_bytes_per_parameter_follow_from_what_the_stage_divides(stage):
    weights, gradients, moments, ranks = 4, 4, 8, 8
    held = (
        weights / (ranks if stage >= 3 else 1)
        + gradients / (ranks if stage >= 2 else 1)
        + moments / (ranks if stage >= 1 else 1)
    )
    row = next(
        line
        for line in (INSTALLED / "ds_configs" / "README.md").read_text().splitlines()
        if line.startswith(f"| `zero{stage}.json`")
    )
    assert float(row.split("|")[-2]) == held


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("train_batch_size", "stages[...].streams[...].amount"),
        ("train_micro_batch_size_per_gpu", "engine.micro_batch_tokens"),
        ("gradient_accumulation_steps", "engine.micro_batch_tokens"),
        ("gradient_clipping", "optimizer.clip"),
        ("optimizer", "optimizer"),
        ("scheduler", "schedule"),
        ("bf16", "precision"),
        ("fp16", "precision"),
        ("amp", "precision"),
    ],
)
def test_a_key_of_the_recipes_is_refused_with_its_owner(tmp_path, key, owner):
    text = refusal(tmp_path, {"zero_optimization": {"stage": 1}, key: 1})
    assert f"sets {key}, which is owned by the recipe: {owner}" in text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"zero_optimisation": {"stage": 2}}, "zero_optimisation is not a setting of DeepSpeed's"),
        ({"zero_optimisation": {"stage": 2}}, "Did you mean 'zero_optimization'?"),
        ({"zero_optimisation": {"stage": 2}}, "zero_optimization is missing"),
        ({}, "zero_optimization is missing"),
        ({"zero_optimization": {}}, "zero_optimization.stage: given null; allowed: 0, 1, 2, 3"),
        ({"zero_optimization": {"stage": 4}}, "zero_optimization.stage: given 4; allowed"),
        ({"zero_optimization": {"stage": True}}, "zero_optimization.stage: given true; allowed"),
        ({"zero_optimization": {"stage": 2, "overlap_com": 1}}, "zero_optimization.overlap_com is not a setting"),
        ({"zero_optimization": {"stage": 2, "overlap_com": 1}}, "Did you mean 'overlap_comm'?"),
        (
            {"zero_optimization": {"stage": 3, "offload_param": {"devise": "cpu"}}},
            "zero_optimization.offload_param.devise is not a setting",
        ),
        (
            {"zero_optimization": {"stage": 2, "offload_param": {"device": "cpu"}}},
            "offload_param goes only with stage 3",
        ),
        (
            {"zero_optimization": {"stage": 3, "reduce_bucket_size": "auto"}},
            "zero_optimization.reduce_bucket_size: 'auto' would leave",
        ),
        (
            {"zero_optimization": {"stage": 3, "zero_quantized_weights": True}},
            "zero_optimization.zero_quantized_weights cannot be used here: rounding to few bits",
        ),
        (
            {"zero_optimization": {"stage": 2, "compute_grad_norm": False}},
            "zero_optimization.compute_grad_norm cannot be used here: each step clips by the gradient's norm",
        ),
        (
            {"zero_optimization": {"stage": 3, "offload_optimizer": {"device": "nvme", "nvme_path": "/x"}}},
            "zero_optimization.offload_optimizer.device: 'nvme' is not supported; allowed: 'cpu', 'none'",
        ),
        ({"zero_optimization": {"stage": "auto"}}, "zero_optimization.stage: 'auto' would leave"),
        ("[1]", "a JSON object is needed"),
        ('{"zero_optimization": {"stage": 1},}', "line 1, column"),
        ('{"zero_optimization": {"stage": 1, "stage": 2}}', "the key 'stage' stands there a second time"),
    ],
)
def test_what_deepspeed_would_ignore_or_guess_is_refused(tmp_path, config, words):
    assert words in refusal(tmp_path, config)


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    config = {"train_batch_size": 8, "zero_optimization": {"stage": "auto", "overlap_com": True}, "tyop": 1}
    assert len(refusal(tmp_path, config).splitlines()) == 4


def test_a_missing_file_says_what_names_it(tmp_path):
    with pytest.raises(RecipeError, match=r"no such file; engine\.ds_config names a DeepSpeed JSON"):
        load_ds_config(tmp_path / "none.json")


def test_no_key_has_two_owners():
    assert not set(ds_config.ALLOWED) & set(ds_config.OWNED)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # deepspeed's imports
def test_the_lists_are_those_of_deepspeeds_own_models():
    zero = pytest.importorskip("deepspeed.runtime.zero.config")
    offload = pytest.importorskip("deepspeed.runtime.zero.offload_config")

    def settings(model) -> set[str]:
        return {field.alias or name for name, field in model.model_fields.items()}

    assert {*ds_config.ZERO, *ds_config.UNSUPPORTED} == settings(zero.DeepSpeedZeroConfig)
    assert set(ds_config.OFFLOAD_PARAM) == settings(offload.DeepSpeedZeroOffloadParamConfig)
    assert set(ds_config.OFFLOAD_OPTIMIZER) == settings(offload.DeepSpeedZeroOffloadOptimizerConfig)
    for path in SHIPPED:
        parsed = zero.DeepSpeedZeroConfig(**load_ds_config(path)["zero_optimization"])
        assert int(parsed.stage) == STAGES[path.stem]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_allowed_key_is_one_that_deepspeeds_sources_read():
    deepspeed = pytest.importorskip("deepspeed")
    text = "\n".join(file.read_text(encoding="utf-8") for file in Path(deepspeed.__file__).parent.rglob("*.py"))
    assert [key for key in ds_config.ALLOWED if f'"{key}"' not in text and f"'{key}'" not in text] == []
