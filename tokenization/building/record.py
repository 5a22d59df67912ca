"""The record of a finished unit: what its shard holds, what was skipped, and its files with their checksums."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenization.manifest import FileEntry


@dataclass(frozen=True)
class UnitRecord:
    """Written last: without it a unit is not finished.

    Attributes:
        unknown: tokens that the vocabulary does not know.
        empty: documents skipped because nothing was left of them.
        bad, bad_examples: malformed input that was skipped: how many places, and the first few.
        cleaning: the unit's `CleaningReport` as JSON.
        files: of the shard.
    """

    documents: int
    sentences: int
    tokens: int
    unknown: int
    empty: int
    bad: int
    bad_examples: tuple[str, ...]
    cleaning: dict[str, Any]
    files: tuple[FileEntry, ...]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "UnitRecord":
        value = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(FileEntry(**file) for file in value["files"])
        return cls(**value | {"files": files, "bad_examples": tuple(value["bad_examples"])})
