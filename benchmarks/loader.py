"""Batches of masked sentence pairs on one core: drawn from shards, against prebuilt pairs through a data collator.

    python -m benchmarks.loader [--blocks 5] [--out FILE]

Wikipedia pairs from the folder that TRIPTYCH_DATA names; the peer gets them ready made, in memory, and only pads and
masks. Ours draws, packs and masks them from the shards, by address. The peer's candidates run three rounds; the three
fastest then take turns with ours. Only real tokens count.
"""

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.interleave import Rates, fastest, ratio, take_turns
from benchmarks.loader_arms import CANDIDATES, OurArm, PeerArm
from benchmarks.pairs import READ, VOCABULARY, WIKIPEDIA
from benchmarks.results import write_results
from pipeline.told import told
from pretrain.masked_lm import MaskedLM, Unit
from pretrain.next_sentence import NextSentence
from pretrain.pairs import PairSource
from pretrain.spans import Units
from tokenization.corpus import Corpus
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.vocabulary import Tokenizer
from training.address import key_of
from training.mixture import Mixture, Stream

KEY = key_of("benchmark", "loader")
GOAL = 10.0
KEPT = 3
UNITS: tuple[tuple[Unit, tuple[float, ...]], ...] = (
    ("token", ()),
    ("word", ()),
    ("span", tuple(0.2 * 0.8**n for n in range(10))),
)


def main() -> None:
    """The command."""
    given = _arguments()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    tokenizer = Tokenizer.load(given.data / VOCABULARY, lowercase=True)
    spec = CorpusSpec(name="wikipedia", files=(given.data / WIKIPEDIA,), documents=given.documents)
    corpus = open_or_build_corpus(spec, tokenizer, given.store)
    mixtures = {unit: _mixture(corpus, tokenizer, given, unit, shares) for unit, shares in UNITS}
    ours = [OurArm(f"ours, {unit}", mixture, given.budget, given.steps) for unit, mixture in mixtures.items()]
    source = mixtures["token"].streams[0].source
    prebuilt = source.draw(np.arange(min(source.size, given.prebuilt)), KEY)

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(Path(folder))
        tokens = given.steps * given.pairs * given.length // 20
        peers = [PeerArm(flags, prebuilt, given.length, Path(folder), tokens) for flags in CANDIDATES]
        chosen = take_turns(peers, 3, lambda line: print(f"choosing: {line}", flush=True))
        # By their best block: what else runs on the machine only slows a block down.
        kept = sorted(peers, key=lambda arm: -max(chosen[arm.name].blocks))[:KEPT]
        take_turns(ours, 1, lambda line: print(f"warm-up: {line}", flush=True))
        rates = take_turns([*ours, *kept], given.blocks, lambda line: print(line, flush=True))
        best = fastest(rates, [arm.name for arm in kept])
        peer = next(arm for arm in kept if arm.name == best)

    results = {
        "what": "masked sentence pairs a second, real tokens, one core",
        "length": given.length, "pairs": given.pairs, "budget": given.budget, "prebuilt_pairs": len(prebuilt.draws_N),
        "choosing": {name: max(found.blocks) for name, found in chosen.items()},
        "best_peer": best, "peer_arguments": peer.arguments, "goal": GOAL,
        "arms": {arm.name: _arm_results(arm, rates, best) for arm in (*ours, *kept)},
        "load": os.getloadavg(),
    }  # fmt: skip
    _print_table(results)
    print(f"written to {write_results(given.out, 'loader', results)}")


def _mixture(
    corpus: Corpus, tokenizer: Tokenizer, given: argparse.Namespace, unit: Unit, shares: tuple[float, ...]
) -> Mixture:
    units = None if unit == "token" else Units(corpus, tokenizer)
    source = PairSource(corpus, tokenizer, given.length, units)
    masking = MaskedLM(tokenizer.mask, tokenizer.ordinary_ids, unit=unit, shares_L=shares)
    return Mixture((Stream("pairs", source, (masking, NextSentence()), given.pairs, None, False, KEY),), "every", KEY)


def _arm_results(arm: OurArm | PeerArm, rates: Mapping[str, Rates], best: str) -> dict[str, Any]:
    found, times = rates[arm.name], ratio(rates[arm.name], rates[best])
    return {
        "tokens_per_second": asdict(found)["blocks"],
        "median": found.median,
        "spread": found.spread,
        "masked_share": arm.masked,
        "times_peer": {"median": times.median, "blocks": times.blocks},
    }


def _print_table(results: Mapping[str, Any]) -> None:
    print(f"\n{'':36}{'real tokens/s':>15}{'spread':>8}{'masked':>9}{'× peer':>9}")
    for name, arm in results["arms"].items():
        print(
            f"{name:36}{arm['median']:15,.0f}{arm['spread']:8.0%}{arm['masked_share']:9.2%}"
            f"{arm['times_peer']['median']:9.1f}"
        )
    print(
        f"best peer: {results['best_peer']}: DataLoader and DataCollatorForLanguageModeling {results['peer_arguments']}"
    )


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__, "timed rounds, after a warm-up and three choosing ones")
    for name, default, what in _NUMBERS:
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} (default {default})")
    parser.add_argument("--store", type=Path, default=Path("runs/benchmark-store"))
    return parsed(parser, READ)


_NUMBERS: Sequence[tuple[str, int, str]] = (
    ("documents", 300, "Wikipedia articles that are tokenised"),
    ("length", 128, "tokens of a pair at most"),
    ("pairs", 512, "pairs of our step"),
    ("budget", 16384, "tokens of our micro-batch"),
    ("steps", 40, "our steps of a block"),
    ("prebuilt", 8192, "pairs that the peer has in memory"),
)


if __name__ == "__main__":
    with told():
        main()
