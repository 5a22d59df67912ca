"""Streams that give nothing to their stage: refused before it where that can be known, and at its end."""

from collections.abc import Sequence

from pipeline.recipe.stage import Stage
from tokenization.errors import RecipeError, RunError
from training.mixture import Mixture, Stream
from training.state import State


def refuse_empty(stage: Stage, streams: Sequence[Stream]) -> None:
    """Refuse amounts that come to no item.

    Raises:
        RecipeError: with each of them.
    """
    _refuse(
        stage,
        [
            f"streams[{stream.name}].amount: {given.amount.tokens} tokens a step are less than half an item (mean "
            f"{stream.source.mean_length:.0f} tokens), so none would be drawn; give more, or {{examples: 1}}"
            for given, stream in zip(stage.streams, streams, strict=True)
            if stream.items == 0
        ],
    )


def refuse_unreached(stage: Stage, mixture: Mixture) -> None:
    """Refuse tasks whose turn does not come before the stage ends.

    Raises:
        RecipeError: with each of them.
    """
    _refuse(
        stage,
        [
            f"streams[{name}]: alternating with the others by their sizes, it would not be drawn once in {stage.steps} "
            "steps; give the stage more steps, the larger tasks larger amounts or limits, or sampling: every"
            for name in mixture.unreached(stage.steps)
        ],
    )


def refuse_silent(stage: str, mixture: Mixture, state: State) -> None:
    """Refuse to finish a stage to which a declared stream, or an objective of it, contributed nothing.

    Raises:
        RunError: with each of them.
    """
    silent = [f"stream {s.name} was never drawn" for s in mixture.streams if not state.items.get(s.name)]
    silent += [
        f"stream {name}: not one label of {q.objective.name} counted"
        for q in mixture.questions
        if state.items.get(name := mixture.streams[q.stream].name) and not state.labels.get(q.name)
    ]
    if silent:
        wanted = "patience" if state.stopped else "steps"
        lines = [
            f"stage {stage}, at its end at step {state.step}: what the recipe declares contributed nothing, so these "
            "are not the weights that it describes:",
            *(f"  {line}" for line in silent),
            f"Give the stage more {wanted}, or take out what it cannot use, and rerun it with --from {stage}, which "
            "moves it aside.",
        ]
        raise RunError("\n".join(lines))


def _refuse(stage: Stage, problems: Sequence[str]) -> None:
    if problems:
        raise RecipeError("\n".join(f"stages[{stage.name}].{problem}" for problem in problems))
