"""What is wrong with a submission: what, where, why the board minds, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.submissions.board import Board


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: a word for it, such as "header"; findings of one kind in one file are told once, with their number.
        file: the file within the zip; empty for the zip itself.
        line: where, from 1; None where the whole file is meant.
        what: what is wrong, with what was given and what is allowed.
        why: what the board makes of it.
        remedy: what to do.
        times: how often.
        is_error: whether the board would reject the zip, or score a task 0.
    """

    kind: str
    file: str
    line: int | None
    what: str
    why: str
    remedy: str
    times: int = 1
    is_error: bool = True

    @property
    def place(self) -> str:
        """Where, in words."""
        where = self.file or "the zip"
        return where if self.line is None else f"{where}, line {self.line}"

    def __str__(self) -> str:
        more = f" (and {self.times - 1:,} more of the kind)" if self.times > 1 else ""
        return f"{self.place}: {self.what}{more}. {self.why}. {self.remedy}."


@dataclass(frozen=True)
class Verdict:
    """What a board would say of a zip.

    Attributes:
        findings: errors and warnings, file by file.
        notes: what could not be looked at.
    """

    board: Board
    file: Path
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.is_error)

    @property
    def accepted(self) -> bool:
        return not self.errors

    def __str__(self) -> str:
        said = "nothing that the board would reject" if self.accepted else f"{len(self.errors)} to mend"
        lines = [
            f"{self.file}, {self.board.title}: {said}",
            *(f"  error    {finding}" for finding in self.errors),
            *(f"  warning  {finding}" for finding in self.warnings),
            *(f"  note     {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def gathered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first of each kind in each file, with how often it was found."""
    first: dict[tuple[str, str], Finding] = {}
    times: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.file, finding.kind)
        first.setdefault(key, finding)
        times[key] = times.get(key, 0) + finding.times
    return tuple(replace(finding, times=times[key]) for key, finding in first.items())
