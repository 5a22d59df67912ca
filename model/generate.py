"""Writing text with a network: by its decoder, or by its encoder under prefix attention.

decoder  an encoder reads the source, a decoder writes the target (Vaswani et al. 2017; Song et al. 2019, "MASS")
prefix   one encoder holds both; [MASK] is put behind what is written, predicted and replaced, token by token
         (Dong et al. 2019, "UniLM", section 2.4)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.batch import FlatBatch
from model.network import Network
from tokenization.errors import RecipeError

WrittenBy = Literal["decoder", "prefix"]


@dataclass(frozen=True)
class SpecialIds:
    """The ids that have a meaning in writing.

    Attributes:
        start: what the decoder is given first, [CLS].
        end: what ends a text, [SEP].
        mask: [MASK], which stands where a token is to be predicted under prefix attention.
        never: ids that are never written; `end` may be among them, and is still what ends a text.
    """

    start: int
    end: int
    mask: int
    never: tuple[int, ...] = ()


@dataclass(frozen=True)
class GenerationSettings:
    """How a text is searched for.

    Attributes:
        longest: tokens written at most; the one that ends the text is not counted, and is forced there.
        shortest: tokens written at least.
        beam: hypotheses kept for each source; 1 is greedy.
        length_penalty: alpha of Wu et al. (2016, equation 14); 0 for none. Larger ones favour longer texts.
    """

    longest: int
    shortest: int = 0
    beam: int = 1
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        if self.longest < 1:
            problems.append(f"longest is {self.longest}; it must be at least 1")
        if not 0 <= self.shortest <= self.longest:
            problems.append(f"shortest is {self.shortest}; it must be at least 0 and at most longest ({self.longest})")
        if self.beam < 1:
            problems.append(f"beam is {self.beam}; it must be at least 1, which is greedy")
        if not self.length_penalty >= 0.0:
            problems.append(f"length_penalty is {self.length_penalty}; it must be at least 0, which is none")
        if problems:
            raise RecipeError("\n".join(problems))


def generate(
    network: Network,
    sources: FlatBatch,
    settings: GenerationSettings,
    ids: SpecialIds,
    by: WrittenBy = "decoder",
) -> list[list[int]]:
    """Write a text for each source.

    Args:
        network: with a head called "decoder", or "mlm" for prefix; on the sources' device, in any mode.
        sources: [CLS] source [SEP] each, all in segment 0; its selections and targets are not read. Under `prefix` the
            text is written in segment 1, at the positions that follow the source's.

    Returns:
        The ids written for each source in order, without the end.

    Raises:
        RecipeError: the network lacks the head, or the text would need more positions than the encoder has.
    """
    raise NotImplementedError
