"""The arguments that every benchmark takes."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path


def benchmark_parser(description: str | None, blocks: str | None = None) -> argparse.ArgumentParser:
    """A parser with `--data`, `--out` and, where the benchmark has blocks, `--blocks`.

    Args:
        blocks: what a block is here; None: there are none.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if blocks is not None:
        parser.add_argument("--blocks", type=int, default=5, help=blocks)
    parser.add_argument("--data", type=Path, default=os.environ.get("TRIPTYCH_DATA"), help="default: TRIPTYCH_DATA")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<date>-<name>-<machine>.json")
    return parser


def parsed(parser: argparse.ArgumentParser, reads: Iterable[Path] = ()) -> argparse.Namespace:
    """The arguments given; the parser's error without the data, or where the results' place is a folder.

    Args:
        reads: files that are read, below the data folder.
    """
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the data folder with --data or TRIPTYCH_DATA")
    if missing := [str(given.data / path) for path in reads if not (given.data / path).is_file()]:
        parser.error(f"no such file: {', '.join(missing)}; name the data folder with --data or TRIPTYCH_DATA")
    if given.out is not None and given.out.is_dir():
        parser.error(f"--out {given.out} is a folder; name the file of the results")
    return given
