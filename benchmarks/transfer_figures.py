"""The figures of the transfer benchmark: from the manifests of its arms to means, spreads and comparisons.

Shape letters: K layers (the embeddings first).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.transfer_arms import (
    AFTER_WORDS,
    AGAINST_FORGETTING,
    ELMO,
    FORGETTING_AT,
    MASS_SHARES,
    STEPS,
    TRANSLATION_ALONE,
    ULMFIT_WITHOUT,
    WAYS,
    few_labels_name,
    forgetting_name,
    mass_name,
    rows_of,
    ulmfit_name,
)
from benchmarks.transfer_records import BySeed, each, forgotten, score
from pipeline.seeds.statistics import paired, spread

Runs = Mapping[str, BySeed]
"""Arm → its manifests; arms that are not finished are not in it."""
Figure = dict[str, Any]


def few_label_curves(runs: Runs) -> Figure:
    """Way → rows → accuracy over seeds, and the difference from the plain way under the same seeds."""
    accuracy = {
        (way, percent): _accuracy(runs, way, percent)
        for way in WAYS
        for percent in STEPS
        if few_labels_name(way, percent) in runs
    }
    return {
        way: {
            str(rows_of(percent)): _beside(accuracy[way, percent], accuracy.get(("none", percent)))
            for percent in STEPS
            if (way, percent) in accuracy
        }
        for way in WAYS
    }


def forgetting(runs: Runs) -> Figure:
    """Rows → what ran beside the task → nats forgotten of general text, accuracy, and whether the bar is met.

    `halved` compares with half of what is forgotten without anything beside the task: a difference below 0 halves it.
    """
    return {str(rows_of(percent)): _forgetting_at(runs, percent) for percent in FORGETTING_AT}


def mass_sweep(runs: Runs) -> Figure:
    """Share of the span, none, or words alone → BLEU over seeds, and the difference from no pre-training."""
    arms = {"none": TRANSLATION_ALONE.name, "words alone": AFTER_WORDS.name}
    arms |= {str(share): mass_name(share) for share in MASS_SHARES}
    bleu = {
        before: each(runs[name], lambda stages: score(stages, "translation", "translate"))
        for before, name in arms.items()
        if name in runs
    }
    return {before: _beside(values, bleu.get("none")) for before, values in bleu.items()}


def ulmfit_parts(runs: Runs) -> Figure:
    """What is left out of ULMFiT → accuracy over seeds, and the difference from the whole."""
    accuracy = {
        without: each(runs[ulmfit_name(without)], lambda stages: score(stages, "task", "sst2"))
        for without in ULMFIT_WITHOUT
        if ulmfit_name(without) in runs
    }
    return {without: _beside(values, accuracy.get("nothing")) for without, values in accuracy.items()}


def layers_read(runs: Runs) -> Figure:
    """Task → place of the mean → each layer's share over seeds, the embeddings first, and the scale γ."""
    if ELMO.name not in runs:
        return {}
    of_seed = {seed: stages["multitask"]["layer_shares"] for seed, stages in runs[ELMO.name].items()}
    first = next(iter(of_seed.values()))
    return {
        task: {
            place: {
                "shares_K": [
                    _over_seeds({seed: found[task][place]["shares_K"][layer] for seed, found in of_seed.items()})
                    for layer in range(len(mixed["shares_K"]))
                ],
                "gamma": _over_seeds({seed: found[task][place]["gamma"] for seed, found in of_seed.items()}),
            }
            for place, mixed in places.items()
        }
        for task, places in first.items()
    }


def _forgetting_at(runs: Runs, percent: int) -> Figure:
    arms = {way: forgetting_name(way, percent) for way in AGAINST_FORGETTING}
    found = {way: runs[arm] for way, arm in arms.items() if arm in runs}
    lost = {way: each(one, lambda stages: forgotten(stages, "forward", "task", "imdb")) for way, one in found.items()}
    accuracy = {way: each(one, lambda stages: score(stages, "task", "sst2")) for way, one in found.items()}
    figure = {
        way: {"forgotten": _over_seeds(lost[way]), "accuracy": _beside(accuracy[way], accuracy.get("none"))}
        for way in found
    }
    for way in [way for way in found if way != "none"] if "none" in found else ():
        figure[way] |= _bar(lost["none"], lost[way], accuracy["none"], accuracy[way])
    return figure


def _accuracy(runs: Runs, way: str, percent: int) -> dict[int, float]:
    return each(runs[few_labels_name(way, percent)], lambda stages: score(stages, "task", "sst2"))


def _bar(
    lost_alone: Mapping[int, float],
    lost: Mapping[int, float],
    accuracy_alone: Mapping[int, float],
    accuracy: Mapping[int, float],
) -> Figure:
    """Whether at most half is forgotten, where anything was, and whether the score is no lower than noise.

    `score_held` is None of a single seed that scores lower: nothing is known of its noise.
    """
    half = {seed: value / 2 for seed, value in lost_alone.items()}
    against_half, against_alone = paired(half, lost), paired(accuracy_alone, accuracy)
    if against_half is None or against_alone is None:
        return {}
    anything = sum(half.values()) > 0
    lower = against_alone.difference < 0
    held = {"within noise": True, "outside noise": False, "unknown": None}[against_alone.verdict] if lower else True
    return {
        "halved": against_half.difference <= 0 if anything else None,
        "against_half": {**asdict(against_half), "verdict": against_half.verdict},
        "score_held": held,
    }


def _beside(values: Mapping[int, float], plain: Mapping[int, float] | None) -> Figure:
    """Values over seeds, and their difference from those of the plain way."""
    against = paired(plain, values) if plain and plain is not values else None
    return {**_over_seeds(values), "against": {**asdict(against), "verdict": against.verdict} if against else None}


def _over_seeds(values: Mapping[int, float]) -> Figure:
    return {"values": {str(seed): value for seed, value in values.items()}, **asdict(spread(list(values.values())))}
