"""The data folder: `general/`, `domain/` and `tasks/`, written aside with the manifest last."""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.pydocs.documents import documents
from pipeline.pydocs.heldout import Split, paragraph_keys, split
from pipeline.pydocs.package_task import package_task
from pipeline.pydocs.reading import read_all
from pipeline.pydocs.rows import Task
from pipeline.pydocs.signature_task import signature_task
from pipeline.pydocs.sources import DEFAULT_PLAN, STANDARD_LIBRARY, Found, Plan, find, fingerprint
from pipeline.pydocs.terms_task import terms_task
from tokenization.atomic import aside, write_json
from tokenization.errors import RunError

MANIFEST = "manifest.json"
MADE_BY = "pipeline.pydocs"
_CHARACTERS_A_TOKEN = 4.4  # measured: a WordPiece vocabulary of 8,000 trained on this text
_TASKS = (package_task, signature_task, terms_task)


@dataclass(frozen=True)
class Written:
    """Where the data lies, its manifest, and whether this call wrote it (False: it was there already)."""

    folder: Path
    manifest: dict[str, Any]
    fresh: bool


def write(to: Path, jobs: int = 2, plan: Plan = DEFAULT_PLAN) -> Written:
    """Write the documentation of the plan's packages and the three tasks into the folder `to`.

    A second call with the same installation does nothing. Files: `general/<package>.jsonl` and
    `domain/<package>.jsonl` with `{"text", "module", "name"}`; `tasks/<task>/{train,dev}.jsonl`; `manifest.json`.
    Modules that the tasks hold out are in no corpus.

    Raises:
        DataError: a package that the plan needs is not installed.
        RunError: `to` holds something else, or the disk is full; what was there is untouched.
    """
    to = to.resolve()
    found = find(plan)
    address = fingerprint(plan, found.modules)
    old = _manifest(to)
    if old is not None and old["fingerprint"] == address and _is_whole(to, old):
        return Written(to, old, fresh=False)
    _refuse_foreign(to, old)
    with aside(to) as folder:
        manifest = {"made_by": MADE_BY, "fingerprint": address, **_fill(folder, plan, found, jobs)}
        write_json(folder / MANIFEST, manifest)
    return Written(to, manifest, fresh=True)


def _fill(folder: Path, plan: Plan, found: Found, jobs: int) -> dict[str, Any]:
    library = read_all(found.modules, jobs)
    parts = split(library.readings)
    corpora = _write_corpora(folder, parts, plan)
    known = paragraph_keys(parts.train)
    tasks = [make(parts, plan.classes, known) for make in _TASKS]
    for task in tasks:
        for name, rows in task.splits.items():
            _write_lines(folder / "tasks" / task.name / f"{name}.jsonl", rows)
    return {
        "corpora": corpora,
        "tasks": {task.name: _counts(task) for task in tasks},
        "labels": list(plan.classes),
        "modules": {"train": len(parts.train), "held_out": len(parts.dev)},
        "repeated_docstrings": parts.repeated,
        "unreadable_files": library.unreadable,
        "missing_packages": list(found.missing),
        "versions": _versions(plan, found),
        "files": {str(path.relative_to(folder)): path.stat().st_size for path in _files(folder)},
    }


def _write_corpora(folder: Path, parts: Split, plan: Plan) -> dict[str, dict[str, int | str]]:
    packages = dict.fromkeys(reading.package for reading in parts.train)
    corpora: dict[str, dict[str, int | str]] = {}
    for package in packages:
        kind = "domain" if package in plan.domain else "general"
        rows = list(documents(reading for reading in parts.train if reading.package == package))
        if not rows:
            continue
        _write_lines(folder / kind / f"{package}.jsonl", rows)
        characters = sum(len(row["text"]) for row in rows)
        tokens = round(characters / _CHARACTERS_A_TOKEN)
        corpora[package] = {"kind": kind, "documents": len(rows), "characters": characters, "tokens_about": tokens}
    return corpora


def _counts(task: Task) -> dict[str, Any]:
    rows = {name: len(values) for name, values in task.splits.items()}
    return {"rows": rows, "dev_rows_dropped_for_overlap": task.overlapping, **task.details}


def _versions(plan: Plan, found: Found) -> dict[str, str]:
    """Versions by package, as the distributions that hold them say."""
    distributions = metadata.packages_distributions()
    versions = {STANDARD_LIBRARY: platform.python_version()}
    for name in plan.names:
        if name in distributions and name not in found.missing:
            versions[name] = metadata.version(distributions[name][0])
    return versions


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder that this module made; None for any other."""
    try:
        value = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(value, dict) and value.get("made_by") == MADE_BY
    return value if ours else None


def _is_whole(folder: Path, manifest: dict[str, Any]) -> bool:
    return {str(path.relative_to(folder)): path.stat().st_size for path in _files(folder)} == manifest["files"]


def _refuse_foreign(folder: Path, old: dict[str, Any] | None) -> None:
    """A folder is replaced only when all that lies in it was written here."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RunError(f"{folder}: a file stands where the data folder should be. Give another folder to --to.")
    known = set(old["files"]) if old else set()
    foreign = [path for path in _files(folder) if str(path.relative_to(folder)) not in known]
    if foreign or (old is None and (folder / MANIFEST).exists()):
        first = foreign[0].name if foreign else MANIFEST
        raise RunError(
            f"{folder}: holds files that were not written here (the first: {first}); they would be lost. "
            "Give an empty or a new folder to --to."
        )
