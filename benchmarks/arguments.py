"""The arguments that every benchmark takes."""

import argparse
import os
from pathlib import Path


def benchmark_parser(description: str | None, blocks: str) -> argparse.ArgumentParser:
    """A parser with `--blocks`, `--data` and `--out`.

    Args:
        blocks: what a block is here.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5, help=blocks)
    parser.add_argument("--data", type=Path, default=os.environ.get("TRIPTYCH_DATA"), help="default: TRIPTYCH_DATA")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<date>-<name>-<machine>.json")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments given; without a data folder, the parser's error."""
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the data folder with --data or TRIPTYCH_DATA")
    return given
