"""DeepSpeed's JSON: it owns ZeRO, offload and communication; the recipe owns everything else.

DeepSpeed ignores a top-level key that it does not know, and would train without ZeRO after a slip of the pen. So the
keys are listed here, from DeepSpeed 0.19's own models; a test compares them. (`deepspeed` itself is imported in one
file of `training`.)
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenization.errors import RecipeError, did_you_mean

# Top-level keys that a file may set: how, never what, is computed.
ALLOWED = (
    "zero_optimization",
    "communication_data_type",
    "disable_allgather",
    "sparse_gradients",
    "aio",
    "comms_logger",
    "flops_profiler",
    "wall_clock_breakdown",
    "memory_breakdown",
    "dump_state",
    "disable_python_gc",
    "log_level",
    "timers",
)

# Keys of DeepSpeed's that have another owner here, and which.
OWNED = {
    "train_batch_size": "stages[...].streams[...].amount",
    "train_micro_batch_size_per_gpu": "engine.micro_batch_tokens",
    "gradient_accumulation_steps": "engine.micro_batch_tokens and the streams' amounts",
    "managed_gradient_accumulation": "engine.micro_batch_tokens and the streams' amounts",
    "optimizer": "optimizer",
    "scheduler": "schedule",
    "gradient_clipping": "optimizer.clip",
    "max_grad_norm": "optimizer.clip",
    "fp16": "precision",
    "bf16": "precision",
    "bfloat16": "precision",
    "amp": "precision",
    "torch_autocast": "precision",
    "data_types": "precision",
    "steps_per_print": "logging.every",
    "tensorboard": "logging.tensorboard",
    "wandb": "logging",
    "comet": "logging",
    "csv_monitor": "logging",
    "checkpoint": "checkpoint",
    "seed": "seed",
    "prescale_gradients": "the loss formula",
    "gradient_predivide_factor": "the loss formula",
    "gradient_allreduce_op": "the loss formula",
    "zero_allow_untested_optimizer": "optimizer",
    "zero_force_ds_cpu_optimizer": "optimizer",
    "data_efficiency": "stages[...].streams",
    "curriculum_learning": "stages[...].streams",
    "dataloader_drop_last": "stages[...].streams",
}

_ROUNDS = "rounding to few bits gives another training than the plain engine's"

# Fields of DeepSpeedZeroConfig. Deprecated and fp16-only ones are left to DeepSpeed to judge.
ZERO = (
    "stage",
    "contiguous_gradients",
    "reduce_scatter",
    "reduce_bucket_size",
    "use_multi_rank_bucket_allreduce",
    "allgather_partitions",
    "allgather_bucket_size",
    "overlap_comm",
    "load_from_fp32_weights",
    "elastic_checkpoint",
    "offload_param",
    "offload_optimizer",
    "sub_group_size",
    "cpu_offload_param",
    "cpu_offload_use_pin_memory",
    "cpu_offload",
    "stage3_prefetch_bucket_size",
    "stage3_param_persistence_threshold",
    "stage3_model_persistence_threshold",
    "stage3_max_live_parameters",
    "stage3_max_reuse_distance",
    "stage3_gather_16bit_weights_on_model_save",
    "stage3_module_granularity_threshold",
    "stage3_use_all_reduce_for_fetch_params",
    "stage3_allgather_sequential",
    "stage3_gather_fp16_weights_on_model_save",
    "ignore_unused_parameters",
    "legacy_stage1",
    "round_robin_gradients",
    "parameter_alignment",
    "memory_efficient_linear",
    "pipeline_loading_checkpoint",
    "override_module_apply",
    "log_trace_cache_warnings",
    "enable_sanity_checks",
    "save_muon_momentum_buffer_in_memory",
    "leaf_module",
)

# Fields of the same that the engine cannot honour, and why.
UNSUPPORTED = {
    "compute_grad_norm": "each step clips by the gradient's norm and logs it",
    "zenflow": "it applies gradients in later steps, which is another training than the plain engine's",
    "zero_hpz_partition_size": "weights and moments are saved and resumed by ZeRO's plain partition alone",
    "zero_quantized_weights": _ROUNDS,
    "zero_quantized_nontrainable_weights": _ROUNDS,
    "zero_quantized_gradients": _ROUNDS,
}

# Fields of DeepSpeedZeroOffloadParamConfig and DeepSpeedZeroOffloadOptimizerConfig.
OFFLOAD_PARAM = ("device", "nvme_path", "buffer_count", "buffer_size", "max_in_cpu", "pin_memory")
OFFLOAD_OPTIMIZER = (
    "device",
    "nvme_path",
    "buffer_count",
    "pin_memory",
    "pipeline_read",
    "pipeline_write",
    "fast_init",
    "ratio",
    "super_offload",
    "cpuadam_cores_perc",
)


def load_ds_config(path: Path) -> dict[str, Any]:
    """The checked contents of a DeepSpeed JSON.

    Raises:
        RecipeError: a missing or malformed file; or, all at once, keys that the recipe owns, keys that DeepSpeed does
            not know, values "auto", and a missing or impossible ZeRO stage.
    """
    config = _read(path)
    found = [*_top_level(config), *_zero(config), *_autos(config)]
    if found:
        raise RecipeError("\n".join(f"{path}: {text}" for text in found))
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_key_twice)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file; engine.ds_config names a DeepSpeed JSON") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise RecipeError(f"{path}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from None
    except _TwiceError as error:
        raise RecipeError(f"{path}: the key '{error}' stands there a second time") from None
    if not isinstance(config, dict):
        raise RecipeError(f'{path}: a JSON object is needed, such as {{"zero_optimization": {{"stage": 1}}}}')
    return config


class _TwiceError(Exception):
    """A JSON object with the same key twice, of which a plain reader keeps the last in silence."""


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _TwiceError(key)
        result[key] = value
    return result


def _top_level(config: Mapping[str, Any]) -> Iterator[str]:
    for key in config:
        if key in OWNED:
            yield f"sets {key}, which is owned by the recipe: {OWNED[key]}; take it out of the file"
        elif key not in ALLOWED:
            yield from _unknown(key, [key], ALLOWED)


def _zero(config: Mapping[str, Any]) -> Iterator[str]:
    zero = config.get("zero_optimization")
    if not isinstance(zero, Mapping):
        yield 'zero_optimization is missing, without which DeepSpeed trains without ZeRO in silence; give {"stage": 0}'
        return
    yield from (
        f"zero_optimization.{key} cannot be used here: {why}" for key, why in UNSUPPORTED.items() if key in zero
    )
    yield from _unknown("zero_optimization", [key for key in zero if key not in UNSUPPORTED], ZERO)
    stage = zero.get("stage")
    if isinstance(stage, bool) or stage not in (0, 1, 2, 3, "auto"):
        yield f"zero_optimization.stage: given {json.dumps(stage)}; allowed: 0, 1, 2, 3"
    for key, allowed in (("offload_param", OFFLOAD_PARAM), ("offload_optimizer", OFFLOAD_OPTIMIZER)):
        if isinstance(inner := zero.get(key), Mapping):
            yield from _unknown(f"zero_optimization.{key}", inner, allowed)
            if inner.get("device") == "nvme":
                yield f"zero_optimization.{key}.device: 'nvme' is not supported; allowed: 'cpu', 'none'"
    if zero.get("offload_param") and stage != 3:
        yield "zero_optimization.offload_param goes only with stage 3, where parameters are partitioned"


def _unknown(where: str, keys: Iterable[str], allowed: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if key not in allowed:
            path = key if key == where else f"{where}.{key}"
            near = did_you_mean(key, (*allowed, *OWNED) if key == where else allowed) or "."
            yield f"{path} is not a setting of DeepSpeed's that a file may hold{near} Allowed: {', '.join(allowed)}"


def _autos(value: Any, where: str = "") -> Iterator[str]:
    if value == "auto":
        yield f"{where}: 'auto' would leave the value to chance; write the number"
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _autos(item, f"{where}.{key}" if where else str(key))
