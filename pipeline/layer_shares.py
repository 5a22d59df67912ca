"""What heads that mix layers have learned to read: kept in a stage's manifest, shown in the report.

Shape letters: K layers (the embeddings first).
"""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from model.scalar_mix import MIXES, mixes_in
from pipeline.run_record import StageRecord
from pipeline.tables import Grid
from tokenization.errors import CheckpointError


def layer_shares(weights: Path) -> dict[str, dict[str, Any]]:
    """Head → place → shares and γ, of a checkpoint's weights; only what the mixes hold is read.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with safe_open(weights, framework="pt") as file:
            names = [name for name in file.keys() if f".{MIXES}." in name]  # noqa: SIM118 - not a mapping
            found = mixes_in({name: file.get_tensor(name) for name in names})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights}: cannot be read as a checkpoint ({error})") from None
    return {head: {place: asdict(mixed) for place, mixed in places.items()} for head, places in found.items()}


def share_grid(stages: Iterable[StageRecord]) -> Grid | None:
    """A row for each mix of each finished stage; None where nothing mixes layers."""
    rows = tuple(
        (stage.name, head, place, f"{mixed['gamma']:.3f}", *(f"{share:.3f}" for share in mixed["shares_K"]))
        for stage in stages
        for head, places in ((stage.manifest or {}).get("layer_shares") or {}).items()
        for place, mixed in places.items()
    )
    if not rows:
        return None
    blocks = range(1, len(rows[0]) - 4)
    return Grid(
        title="Which layers are read: shares of the learned means, and their scale",
        header=("stage", "head", "at", "gamma", "embeddings", *(f"block {block}" for block in blocks)),
        rows=rows,
        words=frozenset({0, 1, 2}),
        standings=tuple("plain" for _ in rows),
    )
