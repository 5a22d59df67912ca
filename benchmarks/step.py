"""A pre-training step (masked LM + next sentence pairs), ours against `transformers.Trainer`.

    python -m benchmarks.step [--device cpu|cuda] [--size small|base|large] [--precision fp32|bf16] [--out FILE]

Wikipedia pairs from the folder that TRIPTYCH_DATA names; the same pairs, weights, optimizer and precision in all arms;
dropout 0. The peer's candidates run one round each, the fastest of them is then interleaved with ours. Only real
tokens count. On CUDA all arms stay in, and ours runs padded, flat, and flat compiled.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.ceiling import Ceiling
from benchmarks.interleave import Arm, Rates, fastest, ratio, take_turns
from benchmarks.ours import OurArm
from benchmarks.pairs import READ, PairSettings, PairSteps, Shape, shape_of
from benchmarks.peer import PeerArm, PeerFlags, PeerRun
from benchmarks.proof import disagreements
from benchmarks.results import write_results
from model.config import EncoderConfig, HeadSpec
from model.flops import flops_per_token
from model.network import Network
from model.public import of_network, write_public
from pipeline.told import told
from training.optimizer import AdamW

VOCABULARY = 30522
SETTINGS = AdamW(rate=1e-4)


@dataclass(frozen=True)
class Scale:
    """How much work a measurement is: articles, tokens of a pair, pairs of a step, steps of a block."""

    documents: int
    length: int
    pairs: int
    steps: int


SIZES = {"small": (4, 256, 4, 1024), "base": (12, 768, 12, 3072), "large": (24, 1024, 16, 4096)}
SCALES = {"cpu": Scale(300, 128, 32, 2), "cuda": Scale(600, 512, 128, 8)}
CANDIDATES = {
    "cpu": (
        PeerFlags(compile=False, padding="longest", multiple=1),
        PeerFlags(compile=True, padding="longest", multiple=32),
        PeerFlags(compile=True, padding="fixed", multiple=1),
    ),
    "cuda": (
        PeerFlags(compile=False, padding="longest", multiple=8),
        PeerFlags(compile=True, padding="longest", multiple=128),
        PeerFlags(compile=True, padding="fixed", multiple=1),
    ),
}


def main() -> None:
    """The command."""
    given = _arguments()
    device, bf16 = torch.device(given.device), given.precision == "bf16"
    scale = SCALES[device.type]
    scale = replace(scale, **{name: value for name in vars(scale) if (value := getattr(given, name)) is not None})
    steps = PairSteps(PairSettings(data=given.data, store=given.store, **vars(scale)))
    shape = shape_of(steps, scale.steps)
    config = encoder_config(given.size)
    print(f"{given.size}, {given.precision}, {device}: {scale}\n{shape}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        write_public(of_network(build_network(config, "auto")), checkpoint)
        ours = _our_arms(config, steps, device, bf16)
        run = PeerRun(SETTINGS, device.type, bf16, torch.get_num_threads(), given.blocks + 2)
        peers = [PeerArm(flags, checkpoint, steps, run) for flags in CANDIDATES[device.type]]
        ceiling = Ceiling(device, torch.bfloat16 if bf16 else torch.float32)
        arms: list[Arm] = [ceiling, *ours, *peers]

        begun = time.perf_counter()
        take_turns(arms, 1, lambda line: print(f"warm-up, compiling included: {line}", flush=True))
        proofs = {arm.name: arm.proof for arm in ours} | {arm.name: arm.proof for arm in peers}
        wrong = disagreements(proofs, given.precision)
        print(*(f"{name}: first step {proof}" for name, proof in proofs.items()), *wrong, sep="\n", flush=True)
        chosen = take_turns(arms, 1, lambda line: print(f"choosing: {line}", flush=True))
        best = fastest(chosen, [arm.name for arm in peers])
        dropped = [] if device.type == "cuda" else [arm.name for arm in peers if arm.name != best]
        kept = [arm for arm in arms if arm.name not in dropped]
        rates = take_turns(kept, given.blocks, lambda line: print(line, flush=True))
        best = fastest(rates, [arm.name for arm in kept if isinstance(arm, PeerArm)])
        arguments = {arm.name: arm.arguments for arm in peers}
        for arm in peers:
            arm.close()

    flops = flops_per_token(config, shape.masked_share, shape.effective_length)
    results = {
        "what": "pre-training step, masked LM and next sentence pairs",
        "size": given.size, "precision": given.precision, "threads": torch.get_num_threads(),
        "scale": asdict(scale), "shape": asdict(shape), "flops_per_token": flops,
        "proof": {name: asdict(proof) for name, proof in proofs.items()}, "disagreements": wrong,
        "choosing": {name: found.median for name, found in chosen.items()},
        "arms": {name: _arm_results(name, found, rates, best, flops) for name, found in rates.items()},
        "best_peer": best, "peer_arguments": arguments[best], "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    _print_table(results, shape, steps)
    print(f"written to {write_results(given.out, f'step-{given.size}-{given.precision}-{device.type}', results)}")
    if wrong:
        raise SystemExit("the arms do not compute the same: no speed counts")


def encoder_config(size: str) -> EncoderConfig:
    """BERT's shape at a size; dropout 0, so that all arms compute the same."""
    layers, hidden, heads, feed_forward = SIZES[size]
    return EncoderConfig(VOCABULARY, layers, hidden, heads, feed_forward, dropout=0.0)


def build_network(config: EncoderConfig, attention: str, seed: int | None = 0) -> Network:
    """The encoder with both heads, the same weights each time; without a seed, weights that are yet to be loaded."""
    heads = (HeadSpec("mlm", "mlm", config.vocab_size), HeadSpec("nsp", "pair", 2))
    return Network(config, heads, attention, seed)


def _our_arms(config: EncoderConfig, steps: PairSteps, device: torch.device, bf16: bool) -> list[OurArm]:
    budget = steps.slots

    def arm(name: str, attention: str, compiled: bool = False) -> OurArm:
        return OurArm(name, build_network(config, attention), steps, SETTINGS, device, bf16, budget, compiled)

    if device.type == "cpu":
        return [arm("ours", "auto")]
    flat = [arm("ours flat", "flat"), arm("ours flat compiled", "flat", compiled=True)] if bf16 else []
    return [arm("ours padded", "padded"), *flat]


def _arm_results(name: str, found: Rates, rates: Mapping[str, Rates], best: str, flops: float) -> dict[str, Any]:
    values: dict[str, Any] = {"per_second": found.blocks, "median": found.median, "spread": found.spread}
    if name != "ceiling":
        values["share_of_ceiling"] = found.median * flops / rates["ceiling"].median
        times = ratio(found, rates[best])
        values["times_best_peer"] = {"median": times.median, "blocks": times.blocks}
    return values


def _print_table(results: Mapping[str, Any], shape: Shape, steps: PairSteps) -> None:
    arms = results["arms"]
    print(f"\nceiling {arms['ceiling']['median'] / 1e9:.1f} GFLOP/s (spread {arms['ceiling']['spread']:.0%})")
    print(f"fill: {shape.fill_fixed:.1%} at {steps.settings.length}, {shape.fill_longest:.1%} at the longest of a step")
    print(f"{'':44}{'real tokens/s':>14}{'spread':>8}{'of ceiling':>12}{'× best peer':>13}")
    for name, arm in arms.items():
        if name != "ceiling":
            print(
                f"{name:44}{arm['median']:14,.0f}{arm['spread']:8.0%}{arm['share_of_ceiling']:12.1%}"
                f"{arm['times_best_peer']['median']:13.2f}"
            )
    print(f"best peer: {results['best_peer']}\n  TrainingArguments({results['peer_arguments']})")


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__, "timed rounds, after a warm-up and a choosing one")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    for name in ("documents", "length", "pairs", "steps"):
        parser.add_argument(f"--{name}", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, default=Path("runs/benchmark-store"))
    return parsed(parser, READ)


if __name__ == "__main__":
    with told():
        main()
