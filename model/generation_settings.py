"""How a text is asked for: what its tokens may be, and how it is searched for."""

from __future__ import annotations

from dataclasses import dataclass

from tokenization.errors import RecipeError


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
