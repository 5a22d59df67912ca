"""`stored: true`: the rows that a frozen encoder gives are computed before a stage's first step and read in all others.

They lie in the store under `vectors`, in a folder named by what decides them (the encoder's weights and sizes, which
layers are read, precision, attention, and what computed them), and serve every later stage and run of the same encoder.

Shape letters: K layers, D width.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from finetune.answering.dev_batches import ANSWERING_TOKENS, dev_batches
from finetune.encoding.encoded import Encoded
from finetune.tasks.spec import TRAIN
from model.network import Network
from model.stored import StoredEncoder
from pipeline.lineage import conditions_of, head_specs, own_heads, own_tasks
from pipeline.materials import Materials
from pipeline.recipe.stage import Stage
from pipeline.vector_address import encoder_content, vector_address
from pipeline.vector_shelf import VectorShelf
from tokenization.errors import RecipeError
from training.distributed import World
from training.engine import Reader


def refuse_shifted(materials: Materials, stage: Stage) -> None:
    """Refuse to store rows for a head that a stage before taught a task with norms of its own.

    Raises:
        RecipeError: with each such task.
    """
    if not stage.stored:
        return
    asked = own_heads(materials.recipe, stage)
    problems = [
        f"stages[{stage.name}].stored: head {one.head} also answers {one.name}, whose norms (condition: true) were "
        "trained before and are run wherever that head is, so that its rows cannot be stored; leave one of the two out"
        for one in conditions_of(materials, stage.name)
        if one.head in asked
    ]
    if problems:
        raise RecipeError("\n".join(problems))


def store_rows(materials: Materials, world: World, stage: Stage, network: Network) -> str:
    """Compute what the store lacks of the rows that a stage reads, and let the network read them from there.

    All ranks call it, before the engine cuts the weights into pieces.

    Returns:
        a line on what was found and what was made.

    Raises:
        CheckpointError: something in the store is damaged.
        RunError: the disk is full.
    """
    begun = time.monotonic()
    folder = _folder(materials, world, stage, network)
    shelf = VectorShelf(folder, keep=True)
    found = len(shelf)
    network.stored = StoredEncoder(network.encoder, shelf)
    reader = Reader(network, world, bf16=stage.precision == "bf16")
    for encoded in _read(materials, stage):
        for batch in dev_batches(encoded, ANSWERING_TOKENS)[world.rank :: world.size]:
            reader.infer(batch.batch)
    shelf.flush()
    made = sum(world.gather(shelf.added))
    network.stored = StoredEncoder(network.encoder, VectorShelf(folder, keep=False))
    return f"vectors of {made:,} sequences computed in {time.monotonic() - begun:.1f} s, of {found:,} found in {folder}"


def stored_note(materials: Materials, stage: Stage) -> str:
    """What a stage's stored rows take on the disk, at most: a sequence that is read at one row has one."""
    specs = [spec for spec in head_specs(materials, stage.name) if spec.name in own_heads(materials.recipe, stage)]
    layers = materials.encoder.layers + 1 if any(spec.design.layers == "mix" for spec in specs) else 1
    rows = sum(_rows(encoded) for encoded in _read(materials, stage))
    size = rows * layers * materials.encoder.hidden * np.dtype(np.float32).itemsize
    return f"stored vectors: at most {rows:,} rows of {layers} x {materials.encoder.hidden}, {size / 2**20:,.1f} MiB"


def _read(materials: Materials, stage: Stage) -> Iterator[Encoded]:
    """The splits whose rows a stage reads: of each task what it trains on, and what it is evaluated on meanwhile."""
    for name in own_tasks(materials.recipe, stage):
        yield from (materials.encoded(name, split) for split in (TRAIN, *materials.scored(name)[:1]))


def _rows(encoded: Encoded) -> int:
    spec = encoded.spec
    one = spec.kind not in ("tagging", "span") and not spec.design.reads_runs and not spec.worded
    return len(spec.ways) * (len(encoded.lengths_N) if one else len(encoded.tokens_T))


def _folder(materials: Materials, world: World, stage: Stage, network: Network) -> Path:
    how = {
        "all layers": network.reads_all_layers,
        "precision": stage.precision,
        "attention": materials.recipe.encoder.attention,
    }
    return materials.store / "vectors" / vector_address(encoder_content(network), world.device.type, how)
