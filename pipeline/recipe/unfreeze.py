"""The recipe's section on layers that begin to move one after the other."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.recipe.section import Positive, Section, tag_of


class GradualUnfreezing(Section):
    """From the top, one more layer after every so many steps (Howard, Ruder 2018, section 3.3)."""

    kind: Literal["gradual"] = Field(description="The order.")
    every: Positive = Field(description="Steps until the next lower layer moves too; the embeddings are the last.")


class SequentialUnfreezing(Section):
    """New heads, then all but the embeddings, then everything (Chronopoulou et al. 2019, section 3)."""

    kind: Literal["sequential"] = Field(description="The order.")
    head: Positive = Field(description="Steps in which only heads move that nothing trained before.")
    encoder: Positive = Field(description="Step from which the embeddings move too.")

    @model_validator(mode="after")
    def _in_order(self) -> "SequentialUnfreezing":
        if self.encoder < self.head:
            raise ValueError(f"the embeddings (step {self.encoder}) cannot move before the blocks (step {self.head})")
        return self


def _which(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return tag_of(SequentialUnfreezing if kind == "sequential" else GradualUnfreezing)


Unfreezing = Annotated[
    Annotated[GradualUnfreezing, Tag("<GradualUnfreezing>")]
    | Annotated[SequentialUnfreezing, Tag("<SequentialUnfreezing>")],
    Discriminator(_which),
]
