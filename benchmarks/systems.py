"""Every system on real data at two-core size: one table of what it trained on, its mechanism, its scores and its time.

    python -m benchmarks.systems [--only bert,gpt] [--jobs 1] [--runs runs/systems] [--out FILE]

Each system is a recipe under recipes/systems/, run as a user runs it; a finished one is skipped, one broken off
goes on. Stages that a system shares with an earlier one are taken over, and their time counts in each. Several at a
time, each on the threads that OMP_NUM_THREADS allows, write what they say into RUNS/NAME.log. The results file is
written when every row is there.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.results import write_results
from benchmarks.systems_finished import Finished
from benchmarks.systems_table import SYSTEMS, System
from pipeline.recipe.load import dump_resolved, load_recipe
from pipeline.told import told
from tokenization.atomic import write_json

RECIPES = Path(__file__).resolve().parent.parent / "recipes/systems"


@dataclass(frozen=True)
class Row:
    """What the table shows of a system; seconds of all its stages, lent ones included."""

    system: str
    trained_on: str
    mechanism: str
    scores: Mapping[str, float]
    seconds: float


def main() -> None:
    """The command."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--only", help="names, with commas between")
    parser.add_argument("--runs", type=Path, default=Path("runs/systems"))
    parser.add_argument("--jobs", type=int, default=1, help="systems at a time (default 1)")
    given = parsed(parser)
    if given.jobs < 1:
        sys.exit(f"--jobs {given.jobs}: at least 1")
    given.runs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(given.jobs) as pool:
        try:
            for system, run in begun(_chosen(given.only), given, pool):
                run.result()
                row = _row(system, given.runs)
                write_json(_kept_at(system, given.runs), asdict(row))
                print(_lines(row), flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    rows = [found for system in SYSTEMS if (found := _kept(system, given.runs, given.data))]
    print("\n" + "\n".join(_lines(row) for row in rows))
    if len(rows) == len(SYSTEMS):
        results = {"what": "every system, two-core size", "rows": [asdict(row) for row in rows]}
        print(f"written to {write_results(given.out, 'systems', results)}")


def _chosen(only: str | None) -> Sequence[System]:
    known = {system.name: system for system in SYSTEMS}
    names = only.split(",") if only else list(known)
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"--only {', '.join(unknown)}: no such system; there are {', '.join(known)}")
    return [known[name] for name in names]


def begun(
    chosen: Sequence[System], given: argparse.Namespace, pool: ThreadPoolExecutor
) -> list[tuple[System, Future[None]]]:
    """Each system's run in turn; one that shares an earlier one's stages waits for it, which has begun before."""
    runs: dict[str, Future[None]] = {}

    def run(system: System) -> None:
        for other in system.shares:
            if other in runs:
                runs[other].result()
        _run(system, given.runs, given.data, quiet=given.jobs > 1)

    for system in chosen:
        runs[system.name] = pool.submit(run, system)
    return [(system, runs[system.name]) for system in chosen]


def _run(system: System, runs: Path, data: Path, quiet: bool = False) -> None:
    """The recipe's run, in a process of its own; it says what it does, or writes it down."""
    lent = [
        word
        for other in system.shares
        if (runs / other / "recipe.yaml").is_file()
        for word in ("--share", str(runs / other))
    ]
    command = [Path(sys.executable).with_name("triptych"), "run", RECIPES / f"{system.name}.yaml"]
    command += ["--run-dir", runs / system.name, *lent, "--set", f"data={data}"]
    _kept_at(system, runs).unlink(missing_ok=True)
    log = runs / f"{system.name}.log"
    print(f"== {system.name}" + (f": {log}" if quiet else ""), flush=True)
    with ExitStack() as stack:
        written = stack.enter_context(log.open("w", encoding="utf-8")) if quiet else None
        done = subprocess.run(list(map(str, command)), stdout=written, stderr=written, check=False)
    if done.returncode:
        why = f" ({log} says why)" if quiet else ""
        sys.exit(f"{system.name}: its run ended with {done.returncode}{why}; run the same command again to go on")


def _row(system: System, runs: Path) -> Row:
    run = Finished(runs / system.name)
    return Row(
        system=system.name,
        trained_on=run.trained_on,
        mechanism=system.mechanism(run),
        scores={f"{task} after {stage}": run.score(stage, task) for stage, task in system.scores},
        seconds=run.seconds,
    )


def _kept(system: System, runs: Path, data: Path) -> Row | None:
    """An earlier row, if it is of today's recipe."""
    path, own = _kept_at(system, runs), runs / system.name / "recipe.yaml"
    today = dump_resolved(load_recipe(RECIPES / f"{system.name}.yaml", (f"data={data}",)))
    if not path.is_file() or not own.is_file() or own.read_text(encoding="utf-8") != today:
        return None
    return Row(**json.loads(path.read_text(encoding="utf-8")))


def _kept_at(system: System, runs: Path) -> Path:
    return runs / "rows" / f"{system.name}.json"


def _lines(row: Row) -> str:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in row.scores.items())
    return f"{row.system:24}{row.seconds:6.0f} s  {scores}\n    {row.mechanism}\n    {row.trained_on}"


if __name__ == "__main__":
    with told():
        main()
