"""What cleaning changed and dropped, and why, with examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokenization.cleaning.contamination import KeptOut, NotCheckable
from tokenization.cleaning.documents import CONTAMINATED, CONTROL, UNICODE, Changed, Dropped, steps_of
from tokenization.cleaning.spec import CleanSpec

EXAMPLES = 5
_EXCERPT = 120


@dataclass(frozen=True)
class Example:
    """A dropped document: where it stood, how it begins, and what was found."""

    origin: str
    excerpt: str
    detail: str


@dataclass
class _Change:
    documents: int = 0
    characters: int = 0


@dataclass
class _Reason:
    documents: int = 0
    characters: int = 0
    examples: list[Example] = field(default_factory=list)


class CleaningReport:
    """Counts and examples by reason; reports of units are merged in the units' order.

    Attributes:
        documents, characters: what came in.
        changes: step → what it changed in documents that stay.
        reasons: reason → what it dropped, in the order of the steps that are on, or in which reasons were first met.
        not_checkable: examples that decontamination cannot look for.
        not_checked: files of named suites that are not there.
    """

    def __init__(self, not_checkable: tuple[NotCheckable, ...] = (), not_checked: tuple[str, ...] = ()) -> None:
        self.documents = self.characters = 0
        self.changes: dict[str, _Change] = {}
        self.reasons: dict[str, _Reason] = {}
        self.not_checkable, self.not_checked = not_checkable, not_checked

    @classmethod
    def of(cls, clean: CleanSpec, kept_out: KeptOut | None) -> CleaningReport:
        """A report that names every step that is on, also one that finds nothing to do."""
        report = cls(kept_out.not_checkable, kept_out.not_checked) if kept_out else cls()
        steps = steps_of(clean)
        report.changes = {step: _Change() for step in steps if step in (CONTROL, UNICODE)}
        dropping = [step for step in steps if step not in report.changes]
        dropping += [CONTAMINATED + task for task in kept_out.tasks] if kept_out else []
        report.reasons = {step: _Reason() for step in dropping}
        return report

    def keep(self, characters: int, changed: Iterable[Changed] = ()) -> None:
        """Count a document that stays, and what was changed in it."""
        self._come_in(characters)
        for each in changed:
            change = self.changes.setdefault(each.step, _Change())
            change.documents += 1
            change.characters += each.characters

    def _come_in(self, characters: int) -> None:
        self.documents += 1
        self.characters += characters

    def quotes(self, reason: str) -> bool:
        """Whether the next document that is dropped for this reason is quoted."""
        return reason not in self.reasons or len(self.reasons[reason].examples) < EXAMPLES

    def drop(self, dropped: Dropped, origin: str, text: str) -> None:
        """Count a document that goes; the first few of each reason are quoted."""
        self._come_in(len(text))
        is_quoted = self.quotes(dropped.reason)
        reason = self.reasons.setdefault(dropped.reason, _Reason())
        reason.documents += 1
        reason.characters += len(text)
        if is_quoted:
            reason.examples.append(Example(origin, _excerpt(text), dropped.detail))

    @property
    def dropped(self) -> int:
        """Documents that went, for whatever reason."""
        return sum(reason.documents for reason in self.reasons.values())

    def merge(self, later: CleaningReport) -> None:
        """Add the report of a later unit."""
        self.documents += later.documents
        self.characters += later.characters
        for step, also in later.changes.items():
            change = self.changes.setdefault(step, _Change())
            change.documents += also.documents
            change.characters += also.characters
        for name, more in later.reasons.items():
            reason = self.reasons.setdefault(name, _Reason())
            reason.documents += more.documents
            reason.characters += more.characters
            reason.examples = [*reason.examples, *more.examples][:EXAMPLES]
        self.not_checkable = self.not_checkable or later.not_checkable
        self.not_checked = self.not_checked or later.not_checked

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "documents": self.documents,
            "characters": self.characters,
            "changed": {step: vars(change) for step, change in self.changes.items()},
            "dropped": [
                {
                    "reason": name,
                    "documents": reason.documents,
                    "characters": reason.characters,
                    "examples": [vars(example) for example in reason.examples],
                }
                for name, reason in self.reasons.items()
            ],
            "not_checkable": [vars(entry) | {"texts": list(entry.texts)} for entry in self.not_checkable],
            "not_checked": list(self.not_checked),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CleaningReport:
        """The report that `to_json` wrote."""
        report = cls(
            tuple(NotCheckable(**(entry | {"texts": tuple(entry["texts"])})) for entry in value["not_checkable"]),
            tuple(value["not_checked"]),
        )
        report.documents, report.characters = value["documents"], value["characters"]
        # Corpora of earlier versions have no counts of changes.
        report.changes = {step: _Change(**change) for step, change in value.get("changed", {}).items()}
        for entry in value["dropped"]:
            examples = [Example(**example) for example in entry["examples"]]
            report.reasons[entry["reason"]] = _Reason(entry["documents"], entry["characters"], examples)
        return report

    def text(self) -> str:
        """For people, a line or more a reason."""
        lines = [f"{self.documents:,} documents read, {self.dropped:,} dropped"]
        for step, change in self.changes.items():
            lines.append(f"  {step}: {change.characters:,} characters changed in {change.documents:,} documents")
        for name, reason in self.reasons.items():
            share = reason.characters / max(1, self.characters)
            lines.append(f"  {name}: {reason.documents:,} documents, {share:.2%} of the characters")
            lines += [f"    {item.origin}: {item.detail} — {item.excerpt!r}" for item in reason.examples]
        for entry in self.not_checkable:
            quoted = ", ".join(map(repr, entry.texts))
            lines.append(f"  not checkable: {entry.count:,} of {entry.of:,} texts of {entry.task}, too short: {quoted}")
        lines += [f"  not checked: {file}: file not there" for file in self.not_checked]
        return "\n".join(lines)


def _excerpt(text: str) -> str:
    flat = " ".join(text[: 2 * _EXCERPT].split())
    return flat if len(flat) <= _EXCERPT else flat[: _EXCERPT - 1] + "…"
