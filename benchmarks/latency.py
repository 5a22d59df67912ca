"""How long one answer takes on one core: a sentence of at most 30 characters, a query against stored candidates.

    python -m benchmarks.latency [--blocks 40] [--out FILE]

A base-size encoder (12 layers, 768 wide, BERT's Chinese vocabulary), fp32, real sentences of AFQMC. From the folder
that TRIPTYCH_DATA names it reads vocab/bert-base-chinese.txt and clue/afqmc/dev.json. Each call is timed from the text
to the answer. The arms take turns on the same sentences. Users know 100 to 200 ms. Beside the clock stands the
processor's time, which other work on the machine leaves alone but for caches and clock rates.
"""

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.latency_arms import TWO, Arm, OurRanking, OurSentence, PeerSentence, model_of
from benchmarks.results import write_results
from finetune.reading.read import read_split
from finetune.tasks.table import TASKS
from model.config import EncoderConfig
from pipeline.told import told
from tokenization.errors import DataError
from tokenization.vocabulary import Tokenizer

VOCABULARY = "vocab/bert-base-chinese.txt"
CHARACTERS = 30
FEWEST = 20
"""Shorter sentences would flatter everybody."""
GOAL, KNOWN = 100.0, (100.0, 200.0)
PEERS = ("sdpa", "eager")
WARM_UP = 3


def main() -> None:
    """The command."""
    given = _arguments()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    tokenizer = Tokenizer.load(given.data / VOCABULARY, lowercase=True)
    config = EncoderConfig(tokenizer.size, given.layers, given.hidden, given.hidden // 64, 4 * given.hidden)
    queries, candidates = _texts(given.data, given.blocks + WARM_UP, given.candidates)

    model = model_of(config, tokenizer, few_rows=True)
    arms: list[Arm] = [OurSentence(model), OurRanking(model, candidates)]
    arms.append(OurSentence(model_of(config, tokenizer, few_rows=False)))
    arms += [PeerSentence(config, tokenizer, attention) for attention in PEERS]
    times = timed(arms, queries)
    found = {name: summary(calls[WARM_UP:]) for name, calls in times.items()}
    best = min((arm.name for arm in arms if isinstance(arm, PeerSentence)), key=lambda name: found[name]["median"])

    results = {
        "what": "milliseconds from a text to its answer, one core, fp32",
        "encoder": {"layers": config.layers, "hidden": config.hidden, "vocabulary": config.vocab_size},
        "characters": [min(map(len, queries)), max(map(len, queries))],
        "candidates": len(candidates), "calls": given.blocks, "goal": GOAL, "users_know": KNOWN,
        "arms": found, "best_peer": best, "load": os.getloadavg(), "note": given.note,
    }  # fmt: skip
    _print_table(results)
    print(f"written to {write_results(given.out, 'latency', results)}")


def timed(arms: Sequence[Arm], texts: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Every arm answers every text in turn: (clock, processor) milliseconds of each call."""
    times: dict[str, list[tuple[float, float]]] = {arm.name: [] for arm in arms}
    for text in texts:
        for arm in arms:
            clock, processor = time.perf_counter(), time.process_time()
            arm.answer(text)
            spent = time.perf_counter() - clock, time.process_time() - processor
            times[arm.name].append((1000 * spent[0], 1000 * spent[1]))
    return times


def summary(calls: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Median and 90th percentile by the clock, and median of the processor's time."""
    clock, processor = np.array(calls).T
    return {
        "median": float(np.median(clock)),
        "p90": float(np.percentile(clock, 90)),
        "processor_median": float(np.median(processor)),
    }


def _texts(data: Path, queries: int, candidates: int) -> tuple[list[str], list[str]]:
    """Different sentences of AFQMC of the asked length: the queries, and the candidates."""
    split = read_split(TASKS[TWO], data, "dev", str(data))
    found = _few(dict.fromkeys(text for row in split.examples for text in row.texts), queries + candidates)
    return found[:queries], found[queries:]


def _few(texts: Mapping[str, None], count: int) -> list[str]:
    def fitting() -> Iterator[str]:
        return (text for text in texts if FEWEST <= len(text) <= CHARACTERS)

    found = [text for text, _ in zip(fitting(), range(count), strict=False)]
    if len(found) < count:
        raise DataError(
            f"AFQMC's dev has {len(found):,} different sentences of {FEWEST} to {CHARACTERS} characters, and --blocks, "
            f"--candidates and {WARM_UP} to warm up need {count:,}: ask for fewer."
        )
    return found


def _print_table(results: Mapping[str, Any]) -> None:
    print(f"\n{'ms':36}{'median':>9}{'p90':>9}{'processor':>11}")
    for name, arm in results["arms"].items():
        print(f"{name:36}{arm['median']:9.1f}{arm['p90']:9.1f}{arm['processor_median']:11.1f}")
    print(f"goal {GOAL:.0f} ms; users know {KNOWN[0]:.0f} to {KNOWN[1]:.0f} ms; load {results['load'][0]:.1f}")


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__, f"timed calls of each arm, after {WARM_UP} to warm up (default 40)")
    parser.set_defaults(blocks=40)
    for name, default, what in _NUMBERS:
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} (default {default})")
    parser.add_argument("--note", default="", help="what whoever reads the results should know of the machine")
    return parsed(parser)


_NUMBERS: Sequence[tuple[str, int, str]] = (
    ("layers", 12, "layers of the encoder"),
    ("hidden", 768, "its width, in heads of 64"),
    ("candidates", 100, "stored candidates"),
)


if __name__ == "__main__":
    with told():
        main()
