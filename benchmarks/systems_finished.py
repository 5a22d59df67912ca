"""A finished run of a system, as its mechanism's measure reads it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.batch import FlatBatch
from model.network import Network
from pipeline.compose import mixture_of
from pipeline.lineage import conditions_of, head_specs
from pipeline.materials import Materials
from pipeline.metrics_lines import StepLine, read_lines
from pipeline.recipe.load import load_recipe
from pipeline.run import materials_of
from pipeline.run_folder import RunFolder
from pipeline.stage_run import carried_weights
from training.batching import draw_step, flat_batch
from training.checkpoint import load_into, load_weights
from training.manifest import read_record
from training.mixture import Mixture

STEPS = 20
"""The first steps of a stage that are looked at."""


class Finished:
    """The run directory of a system's recipe, every stage of which is finished."""

    def __init__(self, root: Path) -> None:
        self.folder = RunFolder(root)
        self.recipe = load_recipe(self.folder.recipe)

    @cached_property
    def materials(self) -> Materials:
        return materials_of(self.recipe, self.folder, make=False)

    def manifest(self, stage: str) -> Mapping[str, Any]:
        """A stage's manifest."""
        record = read_record(self.folder.stage(stage))
        assert record is not None, f"stage {stage} is finished"
        return record

    def weights(self, stage: str) -> dict[str, Tensor]:
        """The weights that a stage hands on."""
        return load_weights(carried_weights(self.folder.stage(stage)))

    def network(self, stage: str) -> Network:
        """A stage's network with these weights, answering."""
        network = self.materials.network(
            head_specs(self.materials, stage), conditions=conditions_of(self.materials, stage)
        )
        path = carried_weights(self.folder.stage(stage))
        load_into(network, load_weights(path), path)
        return network.eval()

    def mixture(self, stage: str) -> Mixture:
        """A stage's streams."""
        return mixture_of(self.materials, self.recipe.stage(stage))

    def batches(self, stage: str, steps: int) -> list[FlatBatch]:
        """The micro-batches of a stage's first steps, as it trained on them."""
        mixture, budget = self.mixture(stage), self.recipe.engine.micro_batch_tokens
        return [flat_batch(mixture, part) for step in range(steps) for part in draw_step(mixture, step, budget).parts]

    def lines(self, stage: str) -> list[StepLine]:
        """The logged steps of a stage."""
        return [line for line in read_lines(self.folder.stage(stage).metrics) if isinstance(line, StepLine)]

    def score(self, stage: str, task: str) -> float:
        """A task's primary metric at a stage's boundary."""
        found = self.manifest(stage)["boundary"]["tasks"][task]
        return float(found["metrics"][found["primary"]])

    @property
    def seconds(self) -> float:
        """What all stages took, those that another run lent included."""
        return sum(self.manifest(stage.name)["clock"]["seconds"] for stage in self.recipe.stages)

    @property
    def trained_on(self) -> str:
        """Stage by stage what each stream gave, in thousands of tokens."""

        def one(stage: str) -> str:
            tokens = self.manifest(stage)["state"]["tokens"]
            return f"{stage}: " + " + ".join(f"{name} {count / 1000:,.0f}k" for name, count in tokens.items())

        return " → ".join(one(stage.name) for stage in self.recipe.stages)


def logits_of(network: Network, batch: FlatBatch) -> tuple[Tensor, ...]:
    """The logits of a batch, without gradients."""
    with torch.no_grad():
        return network(batch)
