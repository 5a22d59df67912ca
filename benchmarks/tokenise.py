"""Tokenising Wikipedia, English and Chinese: ours against `datasets.map` with the fast tokenizer, one core each.

    python -m benchmarks.tokenise [--blocks 5] [--out FILE]

Articles from the folder that TRIPTYCH_DATA names. The peer's candidates first run on a sample; the fastest of them then
takes turns with ours, block by block, and the ids of every document are compared. Beside them, the whole way from
text to shards, with its bytes per token on disk.
"""

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

import datasets

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.interleave import Arm, Rates, fastest, ratio, take_turns
from benchmarks.results import write_results
from benchmarks.tokenise_arms import CANDIDATES, MapArm, OursArm, ShardsArm, Text, differing_documents, map_arm
from pipeline.told import told

TEXTS = (
    Text("English", Path("text/enwiki.parquet"), Path("vocab/bert-base-uncased.txt"), True, "en", 4.0),
    Text("Chinese", Path("text/zhwiki.parquet"), Path("vocab/bert-base-chinese.txt"), False, "zh", 3.0),
)
SAMPLE = 8  # the candidates run on every eighth document of two blocks


def main() -> None:
    """The command."""
    given = _arguments()
    core = _keep_to_one_core()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # before the first batch; one core in any case
    datasets.disable_progress_bars()
    measured = {text.name: measure(text, given.data, given.blocks, given.documents) for text in TEXTS}
    for name, found in measured.items():
        _print_table(name, found)
    results = {"what": "tokenising Wikipedia, MB of UTF-8 a second on one core", "core": core, "texts": measured}
    print(f"written to {write_results(given.out, 'tokenise', results)}")
    if any(found["differing_documents"] for found in measured.values()):
        raise SystemExit("the arms do not give the same ids: no speed counts")


def measure(text: Text, data: Path, count: int, documents: int | None) -> dict[str, Any]:
    """All arms on one text.

    Args:
        count: blocks.
        documents: only the first so many, or None for all.
    """
    blocks = text.blocks(data, count, documents)
    best, chosen = _choose(text, data, blocks)
    peer = map_arm(text, data, blocks, best)
    ours = OursArm(blocks, text.tokenizer(data))
    wrong = []

    def compare_and_say(line: str) -> None:
        assert ours.found is not None
        assert peer.found is not None
        wrong.append(differing_documents(ours.found, peer.found))
        print(f"{text.name}, {line}; documents with other ids: {wrong[-1]}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        shards = ShardsArm(blocks, text, text.tokenizer(data), Path(folder))
        arms: list[Arm] = [ours, peer, shards]
        rates = take_turns(arms, count, compare_and_say)
    return {
        "arms": {arm.name: _arm_results(rates[arm.name], rates[peer.name]) for arm in arms},
        "bar": text.bar, "documents": sum(map(len, blocks)), "differing_documents": sum(wrong),
        "bytes_per_token": shards.bytes / shards.tokens, "peer": peer.name,
        "peer_map_arguments": peer.arguments, "peer_call_arguments": peer.call_arguments,
        "choosing": {name: found.median for name, found in chosen.items()},
    }  # fmt: skip


def _choose(text: Text, data: Path, blocks: list[list[str]]) -> tuple[Any, dict[str, Rates]]:
    """The peer's fastest settings, on a sample; and what all of them did."""
    sample = [block[::SAMPLE] for block in (*blocks, *blocks)[:2]]
    arms: list[MapArm] = [map_arm(text, data, sample, flags) for flags in CANDIDATES]
    rates = take_turns(arms, len(sample), lambda line: print(f"{text.name}, choosing, {line}", flush=True))
    best = fastest(rates, [arm.name for arm in arms])
    return next(arm.flags for arm in arms if arm.name == best), rates


def _arm_results(found: Rates, peer: Rates) -> dict[str, Any]:
    """By block, and over the whole corpus: its blocks are of nearly one size."""
    whole = harmonic_mean(found.blocks)
    times = ratio(found, peer)
    return {
        "per_second": found.blocks, "median": found.median, "spread": found.spread,
        "times_peer": {"median": times.median, "blocks": times.blocks},
        "whole": whole, "whole_times_peer": whole / harmonic_mean(peer.blocks),
    }  # fmt: skip


def _print_table(name: str, found: Mapping[str, Any]) -> None:
    print(f"\n{name}, {found['documents']:,} documents, {found['differing_documents']} with other ids")
    print(f"{'':50}{'MB/s':>8}{'spread':>8}{'× peer':>8}{'whole':>8}{'× peer':>8}")
    for arm, values in found["arms"].items():
        print(
            f"{arm:50}{values['median']:8.2f}{values['spread']:8.0%}{values['times_peer']['median']:8.2f}"
            f"{values['whole']:8.2f}{values['whole_times_peer']:8.2f}"
        )
    print(f"bar: {found['bar']} × the peer; bytes per token on disk: {found['bytes_per_token']:.3f}")
    print(f"peer: Dataset.map({found['peer_map_arguments']}), called with {found['peer_call_arguments']}")


def _keep_to_one_core() -> int | None:
    """Stay on one of this process's cores, where the system can; returns which."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__, "each a part of the corpus, all of it together")
    parser.add_argument("--documents", type=int, help=argparse.SUPPRESS)
    return parsed(parser, [path for text in TEXTS for path in (text.corpus, text.vocabulary)])


if __name__ == "__main__":
    with told():
        main()
