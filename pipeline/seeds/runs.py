"""A run under further seeds: which stages are repeated, and the run directory of each seed.

A further seed is an ordinary run in `RUN/seeds/<seed>`. What it shares with the first one is linked: the folders of the
shared stages, and the store. Its recipe gives the shared stages the first run's seed.
"""

import os
import re

from pipeline.recipe.recipe import Recipe, Seeds
from pipeline.recipe.stage import Stage
from pipeline.run_folder import RunFolder
from tokenization.errors import RecipeError


def with_seeds(recipe: Recipe, asked: str | None) -> Recipe:
    """The recipe with the seeds that the command line asks for: `5`, or `all:5` for every stage.

    Raises:
        RecipeError: neither of these forms.
    """
    if asked is None:
        return recipe
    found = re.fullmatch(r"(all:)?([1-9][0-9]*)", asked)
    if found is None:
        raise RecipeError(
            f"--seeds {asked}: give a number of seeds, 1 or more, such as 5 (repeats the labelled stages and what "
            "follows from them) or all:5 (repeats every stage)"
        )
    seeds = Seeds(count=int(found[2]), all=recipe.seeds.all or found[1] is not None)
    return recipe.model_copy(update={"seeds": seeds})


def repeated_stages(recipe: Recipe) -> tuple[str, ...]:
    """The stages that each further seed trains anew: those with labels and all that descend from them, or every one.

    Raises:
        RecipeError: further seeds are asked for, and no stage would be repeated.
    """
    if recipe.seeds.count == 1:
        return ()
    found: list[str] = []
    for stage in recipe.stages:  # a parent stands before its children
        if recipe.seeds.all or set(stage.reads) & set(found) or _is_labelled(stage):
            found.append(stage.name)
    if not found:
        count = recipe.seeds.count
        raise RecipeError(
            f"seeds: {count} seeds are asked for, but no stage has a labelled stream (source: {{task: ...}}), and "
            "stages without labels are shared by all seeds. To repeat every stage: "
            f"seeds: {{count: {count}, all: true}}, or --seeds all:{count}."
        )
    return tuple(found)


def further_seeds(recipe: Recipe) -> tuple[int, ...]:
    """The seeds beside the recipe's own."""
    return tuple(recipe.seed + further for further in range(1, recipe.seeds.count))


def recipe_of_seed(recipe: Recipe, seed: int) -> Recipe:
    """The recipe of one further seed: repeated stages move on by as much as the seed does, shared ones keep theirs."""
    repeated = repeated_stages(recipe)
    stages = tuple(
        stage.model_copy(
            update={"seed": _moved(recipe, stage, seed) if stage.name in repeated else recipe.seed_of(stage)}
        )
        for stage in recipe.stages
    )
    return recipe.model_copy(update={"seed": seed, "seeds": Seeds(), "stages": stages})


def seed_folder(first: RunFolder, seed: int) -> RunFolder:
    """The run directory of a further seed."""
    return RunFolder(first.root / "seeds" / str(seed))


def link_shared(first: RunFolder, further: RunFolder, recipe: Recipe) -> None:
    """Link into a further seed's run directory what it shares with the first seed's and does not hold itself."""
    first.store.mkdir(parents=True, exist_ok=True)
    repeated = repeated_stages(recipe)
    shared = [stage.name for stage in recipe.stages if stage.name not in repeated]
    links = {further.store: first.store}
    links |= {further.stage(name).root: first.stage(name).root for name in shared}
    links[further.start] = first.start
    for link, target in links.items():
        if link.is_symlink() or link.exists() or not target.exists():
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target.resolve(), link.parent.resolve()))


def _is_labelled(stage: Stage) -> bool:
    return any(stream.labelled for stream in stage.streams)


def _moved(recipe: Recipe, stage: Stage, seed: int) -> int | None:
    """A seed of the stage's own moves on too; without one it has the recipe's."""
    return None if stage.seed is None else stage.seed + seed - recipe.seed
