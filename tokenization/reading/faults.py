"""What is done about malformed input: stop at the first, or count it and go on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tokenization.errors import DataError

LISTED = 20
GO_ON = " `skip_bad: true` in the corpus, or `triptych tokenize --skip-bad`, leaves such places out."


@dataclass
class Faults:
    """Counts what was left out of the documents of a block.

    Attributes:
        skip: count malformed input and go on, instead of raising.
        on_empty: called with the origin of every empty document.
        empty: documents without text.
        bad: the messages of the first malformed places, at most `LISTED`.
        bad_count: all of them.
    """

    skip: bool = False
    on_empty: Callable[[str], None] | None = None
    empty: int = 0
    bad: list[str] = field(default_factory=list)
    bad_count: int = 0

    def skip_empty(self, origin: str) -> None:
        """Count a document without text."""
        self.empty += 1
        if self.on_empty is not None:
            self.on_empty(origin)

    def meet(self, error: DataError) -> None:
        """Raise the error, with how to go on without the place, or count and list it.

        Raises:
            DataError: malformed input is not to be skipped.
        """
        if not self.skip:
            # A row's error passes through the reader of its table, which tells of the table's own.
            raise error if str(error).endswith(GO_ON) else DataError(f"{error}{GO_ON}") from None
        self.bad_count += 1
        if len(self.bad) < LISTED:
            self.bad.append(str(error))
