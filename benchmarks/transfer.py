"""What transfer is worth, over seeds: few labels, forgetting, MASS's spans, layers that a mix reads, ULMFiT's parts.

    python -m benchmarks.transfer [--figures few-labels,forgetting,mass,layers,ulmfit] [--seeds 5]
                                  [--runs runs/transfer] [--arms none-1,cvt-1] [--set PATH=VALUE]... [--out FILE]

Each arm is a recipe under recipes/, run as a user runs it, in a run directory of its name; a finished one is skipped,
one broken off goes on. Within a figure all arms but MASS's share their stages without labels, so their spread is that
of the labelled stage (and not of which rows are labelled: those are the same under every seed); MASS is repeated whole,
under 3 seeds at most. The results file is written when every arm of the figures asked
for is there, under 5 seeds or more.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.arguments import benchmark_parser, parsed
from benchmarks.results import write_results
from benchmarks.transfer_arms import FIGURES, Arm, arms_of
from benchmarks.transfer_figures import few_label_curves, forgetting, layers_read, mass_sweep, ulmfit_parts
from benchmarks.transfer_lines import lines_of
from benchmarks.transfer_records import BySeed, read_seeds
from pipeline.run_folder import RunFolder
from pipeline.told import told
from tokenization.errors import RecipeError

LEAST_SEEDS = 5
MEASURES = {
    "few-labels": few_label_curves,
    "forgetting": forgetting,
    "mass": mass_sweep,
    "layers": layers_read,
    "ulmfit": ulmfit_parts,
}


def main() -> None:
    """The command."""
    given = _arguments()
    wanted = list(arms_of(given.figures))
    _refuse_settings(wanted, given)
    for arm in _chosen(wanted, given.arms):
        run_arm(arm, given)
    runs = {arm.name: found for arm in wanted if (found := finished(arm, given)) is not None}
    figures = {name: MEASURES[name](runs) for name in given.figures}
    for name, figure in figures.items():
        print("\n" + "\n".join(lines_of(name, figure)))
    print("\n" + _written(figures, [arm.name for arm in wanted if arm.name not in runs], given))


def run_arm(arm: Arm, given: argparse.Namespace) -> None:
    """The arm's run, in a process of its own, unless it is finished."""
    if finished(arm, given) is not None:
        print(f"== {arm.name}: finished", flush=True)
        return
    print(f"== {arm.name}", flush=True)
    if code := subprocess.run(command(arm, given), check=False).returncode:
        sys.exit(f"{arm.name}: its run ended with {code}; run the same command again to go on")


def command(arm: Arm, given: argparse.Namespace) -> list[str]:
    """What a user would type."""
    lender = given.runs / arm.lender
    share = ["--share", lender] if arm.lender and (lender / "recipe.yaml").is_file() else []
    sets = [word for text in (*arm.sets, *given.sets, f"data={given.data}") for word in ("--set", text)]
    words = [Path(sys.executable).with_name("triptych"), "run", arm.path, "--run-dir", given.runs / arm.name]
    return [*map(str, [*words, "--seeds", arm.seeds(given.seeds), *share, *sets])]


def finished(arm: Arm, given: argparse.Namespace) -> BySeed | None:
    """What an arm left, where it was run to its end under these very settings."""
    folder = RunFolder(given.runs / arm.name)
    recipe = arm.loaded(given.data, given.seeds, given.sets)
    return read_seeds(folder, recipe) if arm.is_of(folder, recipe) else None


def _written(figures: Mapping[str, Any], missing: list[str], given: argparse.Namespace) -> str:
    if missing:
        return f"not written yet: still to be run: {', '.join(missing)}"
    if given.out is None and (given.seeds < LEAST_SEEDS or given.sets):
        return f"not written: for fewer than {LEAST_SEEDS} seeds, or with --set, say where with --out"
    results = {
        "what": "transfer at two-core size: means and spreads over seeds",
        "seeds": given.seeds,
        "set": given.sets,
        "arms": {arm.name: {"recipe": arm.recipe, "set": arm.sets} for arm in arms_of(given.figures)},
        "figures": figures,
    }
    return f"written to {write_results(given.out, 'transfer', results)}"


def _chosen(wanted: list[Arm], names: tuple[str, ...] | None) -> list[Arm]:
    _refuse_unknown("--arms", names or (), [arm.name for arm in wanted])
    return [arm for arm in wanted if names is None or arm.name in names]


def _refuse_settings(wanted: list[Arm], given: argparse.Namespace) -> None:
    """Before the first run, since a later arm may lack what --set changes."""
    for arm in wanted:
        try:
            arm.loaded(given.data, given.seeds, given.sets)
        except RecipeError as error:
            sys.exit(f"{arm.name}: {error}")


def _refuse_unknown(option: str, given: tuple[str, ...], known: list[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        sys.exit(f"{option} {', '.join(unknown)}: there is none; there are {', '.join(known)}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _arguments() -> argparse.Namespace:
    parser = benchmark_parser(__doc__)
    parser.add_argument("--figures", type=_names, default=tuple(FIGURES), help=",".join(FIGURES))
    parser.add_argument("--arms", type=_names, help="run these alone; default: all that the figures need")
    parser.add_argument("--seeds", type=int, default=LEAST_SEEDS)
    parser.add_argument("--set", dest="sets", action="append", default=[], help="given to every arm, for trials")
    parser.add_argument("--runs", type=Path, default=Path("runs/transfer"))
    given = parsed(parser)
    given.sets = tuple(given.sets)
    _refuse_unknown("--figures", given.figures, list(FIGURES))
    return given


if __name__ == "__main__":
    with told():
        main()
