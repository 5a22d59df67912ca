"""The card of a model's folder, triptych.json: what the public format has no field for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from model.conditional import Condition
from model.config import HeadSpec
from model.design import ROW, HeadDesign
from tokenization.atomic import write_json
from tokenization.errors import CheckpointError, RecipeError

CARD = "triptych.json"


@dataclass(frozen=True)
class Card:
    """What it says; its fields are those of `PublicModel`."""

    heads: tuple[HeadSpec, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    lm_ways: tuple[str, ...] = ()


def read_card(folder: Path) -> Card:
    """A folder's card; an empty one where there is none.

    Raises:
        CheckpointError: it is damaged, or of another version.
    """
    path = folder / CARD
    if not path.is_file():
        return Card()
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(card, dict) or card.get("format") != 1:
        raise CheckpointError(f"{path}: format 1 is expected; was this written by a later version?")
    try:
        return Card(
            tuple(_head(told) for told in card.get("heads", [])),
            {name: tuple(names) for name, names in card.get("labels", {}).items()},
            tuple(Condition(**told) for told in card.get("conditions", [])),
            tuple(card.get("lm_ways", ())),
        )
    except (TypeError, RecipeError) as error:
        raise CheckpointError(f"{path}: {error}") from None


def write_card(folder: Path, card: Card) -> None:
    """Write a card; what says nothing is left out."""
    heads = [_told(spec) for spec in card.heads]
    labels = {name: list(names) for name, names in card.labels.items()}
    conditions = {"conditions": [asdict(one) for one in card.conditions]} if card.conditions else {}
    ways = {"lm_ways": list(card.lm_ways)} if card.lm_ways else {}
    write_json(folder / CARD, {"format": 1, "heads": heads, "labels": labels, **conditions, **ways})


def _head(told: Mapping[str, Any]) -> HeadSpec:
    return HeadSpec(**{**told, "design": HeadDesign(**told.get("design", {}))})


def _told(spec: HeadSpec) -> dict[str, Any]:
    design = {} if spec.design == ROW else {"design": asdict(spec.design)}
    apart = {"apart": True} if spec.apart else {}
    return {"name": spec.name, "kind": spec.kind, "size": spec.size, **design, **apart}
