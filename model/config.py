"""What an encoder is made of, and what its heads are: the sizes, checked on construction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from model.design import ROW, HeadDesign
from tokenization.errors import RecipeError, did_you_mean

Norm = Literal["post", "pre"]
HeadKind = Literal[
    "mlm", "pair", "classification", "multilabel", "regression", "ranking", "choice", "tagging", "span",
    "views", "decoder",
]  # fmt: skip

POOLED_KINDS: tuple[HeadKind, ...] = ("pair", "classification", "multilabel", "regression", "ranking", "choice")


@dataclass(frozen=True)
class EncoderConfig:
    """The sizes of a BERT encoder (Devlin et al. 2019, section 3).

    Attributes:
        vocab_size: rows of the word embedding.
        layers, hidden, heads, feed_forward: Transformer blocks, width, attention heads, inner width of a block.
        positions: longest sequence, in tokens.
        segments: segment kinds.
        dropout: rate on embeddings, attention probabilities and both residual branches.
        norm: `post` is BERT's; `pre` normalises each branch's input and adds one LayerNorm at the end.
        layer_norm_eps: added to the variance.
        initializer_range: standard deviation of new matrices.

    Raises:
        RecipeError: a size is not positive, the heads do not divide the width, the rate is not in [0, 1);
            all problems in one message.
    """

    vocab_size: int
    layers: int
    hidden: int
    heads: int
    feed_forward: int
    positions: int = 512
    segments: int = 2
    dropout: float = 0.1
    norm: Norm = "post"
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02

    @property
    def sizes(self) -> dict[str, Any]:
        """Everything but the dropout, which is a training's own and moves no answer."""
        return {name: value for name, value in asdict(self).items() if name != "dropout"}

    def __post_init__(self) -> None:
        problems = [
            f"encoder.{name} is {getattr(self, name)!r}; it must be a whole number of at least 1"
            for name in ("vocab_size", "layers", "hidden", "heads", "feed_forward", "positions", "segments")
            if not _is_positive_integer(getattr(self, name))
        ]
        if not problems and self.hidden % self.heads:
            problems.append(
                f"encoder.hidden is {self.hidden}, which encoder.heads = {self.heads} does not divide; "
                f"the nearest widths are {self.hidden // self.heads * self.heads} "
                f"and {(self.hidden // self.heads + 1) * self.heads}"
            )
        if not 0.0 <= self.dropout < 1.0:
            problems.append(f"encoder.dropout is {self.dropout}; it must be at least 0 and below 1")
        if self.norm not in get_args(Norm):
            problems.append(f"encoder.norm is {self.norm!r}; allowed are 'post' (BERT) and 'pre'")
        if not self.layer_norm_eps > 0.0:
            problems.append(f"encoder.layer_norm_eps is {self.layer_norm_eps}; it must be above 0")
        if not self.initializer_range > 0.0:
            problems.append(f"encoder.initializer_range is {self.initializer_range}; it must be above 0")
        if problems:
            raise RecipeError("\n".join(problems))

    @property
    def head_width(self) -> int:
        """The width of one attention head."""
        return self.hidden // self.heads


@dataclass(frozen=True)
class HeadSpec:
    """One head: its name (the task's), what it does, how many logits it gives per answer, and how it reads.

    `size` is the number of classes; `pair` has 2, `regression`, `ranking` and `choice` 1 (a score), `span` 2 (start
    and end), `mlm` and `decoder` as many as the vocabulary, `views` (restricted views of a task) as many as the task.
    `apart` says that each run holds its rows twice, of both directions (`model.reading.side_by_side`); of `lstm` only.

    Raises:
        RecipeError: an unknown kind, a size that the kind does not allow, a name that cannot be a module's.
    """

    name: str
    kind: HeadKind
    size: int
    design: HeadDesign = ROW
    apart: bool = False

    def __post_init__(self) -> None:
        if self.apart and self.design.pool != "lstm":
            raise RecipeError(f"head {self.name!r} reads rows of both directions side by side, which only lstm does")
        if self.kind not in get_args(HeadKind):
            raise RecipeError(
                f"head {self.name!r} is of kind {self.kind!r}; allowed are {', '.join(get_args(HeadKind))}"
                f"{did_you_mean(str(self.kind), get_args(HeadKind))}"
            )
        if not self.name or "." in self.name:
            raise RecipeError(f"head {self.name!r}: a head's name must not be empty and must not hold a dot")
        fixed = {"pair": 2, "regression": 1, "ranking": 1, "choice": 1, "span": 2}.get(self.kind)
        if fixed is not None and self.size != fixed:
            raise RecipeError(f"head {self.name!r} is of kind {self.kind!r}, so its size is {fixed}, not {self.size}")
        if not _is_positive_integer(self.size):
            raise RecipeError(f"head {self.name!r} has size {self.size!r}; it must be a whole number of at least 1")

    @property
    def pooled(self) -> bool:
        """Whether the head reads the pooler's output rather than the encoder's."""
        return self.kind in POOLED_KINDS and (self.design.pool, self.design.layers) == (ROW.pool, ROW.layers)


def _is_positive_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
