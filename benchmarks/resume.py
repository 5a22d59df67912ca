"""From imports done to the first forward pass after a resume, for a corpus and one of a hundred times its size.

    python -m benchmarks.resume [--times 100] [--out FILE]

A base-size encoder trains one step and is saved; then each measurement is a fresh process that opens tokenizer, corpus
and pairs, loads weights and moments, draws the next step (a few pairs) and runs it forward; the two corpora take turns.
The large corpus holds the same Wikipedia articles over and over, each copy with its number in front. Wikipedia from the
folder that TRIPTYCH_DATA names.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.arguments import parsed
from benchmarks.ours import optimizer_step, plain_engine
from benchmarks.pairs import READ, VOCABULARY, WIKIPEDIA, mixture_of_pairs
from benchmarks.results import write_results
from benchmarks.step import SETTINGS, build_network, encoder_config
from model.network import Network
from pipeline.told import told
from tokenization.atomic import aside
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.vocabulary import Tokenizer
from training.batching import draw_step, flat_batch
from training.checkpoint import (
    StageFolder,
    load_into,
    load_moments,
    load_state,
    load_weights,
    save_checkpoint,
)
from training.engine import MicroBatch, PlainEngine
from training.mixture import Mixture
from training.state import State

# Few pairs: the forward pass of a large step would hide what is measured.
LENGTH, PAIRS = 128, 4
ARTICLES = 100


def main() -> None:
    """The command; with --once, one measurement in this process."""
    given = _arguments()
    folder = given.folder
    if given.once is not None:
        print(json.dumps(resume(given.data, _texts(folder, given.once), folder)))
        return
    for times in (1, given.times):
        prepare(given.data, folder, times)
    turns = [(_in_fresh_process(given, 1), _in_fresh_process(given, given.times)) for _ in range(given.repeats)]
    found = dict(zip((1, given.times), zip(*turns, strict=True), strict=True))
    corpora = {str(times): _results(runs) for times, runs in found.items()}
    results = {
        "what": "imports done to the first forward pass after resume, seconds",
        "corpora": corpora,
        "bar_seconds": 5.0,
    }
    for times, row in corpora.items():
        print(f"{times:>4} × the corpus, {row['pairs']:>9,} pairs: {row['seconds']:.2f} s")
        print(*(f"        {run}" for run in row["runs"]), sep="\n")
    print(f"written to {write_results(given.out, 'resume-base', results)}")


def prepare(data: Path, folder: Path, times: int) -> None:
    """Write the text, tokenise it, cut its windows; on the first corpus also train and save one step."""
    texts = _texts(folder, times)
    if not texts.is_file():
        _repeat_articles(data / WIKIPEDIA, texts, times)
    begun = perf_counter()
    mixture = _mixture(data, texts, folder)
    print(f"{times} × {ARTICLES} articles tokenised and cut, or found: {perf_counter() - begun:.1f} s", flush=True)
    stage = StageFolder(folder / "stage")
    if not stage.saved_steps():
        engine = _engine(build_network(encoder_config("base"), "auto"), mixture)
        (part,) = draw_step(mixture, 0, PAIRS * LENGTH).parts
        optimizer_step(engine, [MicroBatch(flat_batch(mixture, part), 0)], SETTINGS.rate)
        save_checkpoint(stage, engine, State(step=1), keep=1)


def resume(data: Path, texts: Path, folder: Path) -> dict[str, float]:
    """What `run` does from a checkpoint to its first forward pass; returns each part's seconds and the sizes."""
    clock = [perf_counter()]
    mixture = _mixture(data, texts, folder)
    clock.append(perf_counter())
    stage = StageFolder(folder / "stage")
    (step,) = stage.saved_steps()
    network = build_network(encoder_config("base"), "auto", seed=None)
    path = stage.checkpoint(step) / "weights.safetensors"
    load_into(network, load_weights(path), path)
    state = load_state(stage, step)
    engine = _engine(network, mixture)
    engine.load_moments(load_moments(stage, step), step)
    clock.append(perf_counter())
    batch = flat_batch(mixture, draw_step(mixture, state.step, PAIRS * LENGTH).parts[0])
    clock.append(perf_counter())
    engine.module(batch)
    clock.append(perf_counter())
    corpus, checkpoint, drawing, forward = np.diff(clock).tolist()
    return {
        "seconds": clock[-1] - clock[0], "corpus": corpus, "checkpoint": checkpoint, "drawing": drawing,
        "forward": forward, "pairs": mixture.streams[0].source.size,
    }  # fmt: skip


def _mixture(data: Path, texts: Path, folder: Path) -> Mixture:
    tokenizer = Tokenizer.load(data / VOCABULARY, lowercase=True)
    corpus = open_or_build_corpus(CorpusSpec(name=texts.stem, files=(texts,)), tokenizer, folder / "store")
    return mixture_of_pairs(corpus, tokenizer, LENGTH, PAIRS)


def _engine(network: Network, mixture: Mixture) -> PlainEngine:
    return plain_engine(network, mixture, SETTINGS, torch.device("cpu"), bf16=False)


def _texts(folder: Path, times: int) -> Path:
    return folder / f"articles-{times}.parquet"


def _repeat_articles(wikipedia: Path, target: Path, times: int) -> None:
    """Copies differ, or all of them would be held out together."""
    texts = next(pq.ParquetFile(wikipedia).iter_batches(ARTICLES, columns=["text"])).column("text").to_pylist()
    target.parent.mkdir(parents=True, exist_ok=True)
    with aside(target) as path, pq.ParquetWriter(path, pa.schema([("text", pa.string())])) as writer:
        for copy in range(times):
            writer.write_table(pa.table({"text": [f"Copy {copy}.\n{text}" for text in texts]}))


def _in_fresh_process(given: argparse.Namespace, times: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.resume", "--data", str(given.data), "--folder", str(given.folder)]
    done = subprocess.run([*command, "--once", str(times)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _results(runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {
        "seconds": median(run["seconds"] for run in runs),
        "pairs": int(runs[0]["pairs"]),
        "runs": [{name: round(value, 3) for name, value in run.items() if name != "pairs"} for run in runs],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="how many times as large the second corpus is")
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes for each corpus")
    parser.add_argument("--data", type=Path, default=os.environ.get("TRIPTYCH_DATA"), help="default: TRIPTYCH_DATA")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark-resume"))
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<date>-<name>-<machine>.json")
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    return parsed(parser, READ)


if __name__ == "__main__":
    with told():
        main()
