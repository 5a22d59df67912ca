"""`triptych export`, on a run or on a public checkpoint."""

from pathlib import Path

from pipeline.export import export_public, export_run
from pipeline.recipe.load import load_recipe
from pipeline.run import materials_of
from pipeline.run_folder import RunFolder
from tokenization.errors import CheckpointError, RecipeError


def export_any(source: Path, target: Path, stage: str | None) -> str:
    """Export and say what was written."""
    folder = RunFolder(source)
    if folder.recipe.is_file():
        model = export_run(materials_of(load_recipe(folder.recipe), folder), folder, target, stage)
    elif not source.is_dir():
        raise CheckpointError(f"{source}: no such folder; give a run directory or a public checkpoint's folder")
    elif stage is not None:
        raise RecipeError(f"--stage goes with a run directory, and {source} is none")
    else:
        model = export_public(source, target)
    heads = ", ".join(spec.name for spec in model.heads) or "none"
    return f"{model.architecture}, {len(model.tensors)} tensors, heads: {heads}\nmodel: {target}\n"
