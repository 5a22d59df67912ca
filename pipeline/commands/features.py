"""`triptych features`."""

from functools import partial
from pathlib import Path

import click

from pipeline.answer import open_model
from pipeline.commands.options import MODEL
from pipeline.data_folder import find_data_folder
from pipeline.features import asked_tasks, extract_and_fit, left_out
from pipeline.features_store import FeatureStore, encoder_of
from pipeline.features_tables import feature_grid
from pipeline.output_places import refuse_output_folder
from pipeline.tables import print_grids
from training.distributed import join_world


@click.command()
@MODEL
@click.option("--tasks", default="", metavar="A,B", help="Tasks of the model or built-in ones; default: the model's.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Data folder; default: that of the model's run, else TRIPTYCH_DATA."
)
@click.option("--pool", default="mean", show_default=True, metavar="P", help="mean of the tokens, first, or concat.")
@click.option("--layer", default="last", show_default=True, metavar="L", help="last, mean of all, or its number.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for vectors and scores; default: features/<model>."
)
def command(model: Path, tasks: str, data: Path | None, pool: str, layer: str, out: Path | None) -> None:
    """Store a frozen encoder's vectors of tasks' texts, fit a light classifier on them, and score it."""

    refuse_output_folder("--out", out)
    opened = open_model(model)
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    asked = asked_tasks(opened, names)
    folder = out or Path("features") / model.absolute().name
    store = FeatureStore(folder / "vectors", encoder_of(opened.public), join_world(), pool, layer)
    found = extract_and_fit(
        opened, asked, find_data_folder(data, model), store, folder / "features.json", partial(click.echo, err=True)
    )
    aside = [] if names else left_out(opened)
    print_grids([feature_grid(found)], [*found["notes"], *aside, f"written: {folder / 'features.json'}"])
