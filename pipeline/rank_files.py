"""The files of `triptych rank`: texts in, ranked candidates out."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from finetune.reading.archive import DataFile, find_file
from finetune.reading.read import read_split
from finetune.reading.row import lines_in
from finetune.tasks.spec import TaskSpec
from pipeline.rank import Ranked
from tokenization.atomic import write_text
from tokenization.errors import DataError

_DECIMALS = 6


def texts_of(file: Path, spec: TaskSpec, column: str, option: str) -> list[str]:
    """The texts of a file: the lines of one that ends in .txt, else a column of its rows.

    Args:
        column: a field of the task.
        option: what the file was given as.

    Raises:
        DataError: there is no such file, it holds no text, or its rows lack the column.
    """
    found = find_file(Path("/"), str(file.absolute()))
    if found is None:
        raise DataError(f"{option} {file} {'is a folder' if file.is_dir() else 'does not exist'}; a file is expected.")
    texts = _lines(found) if file.suffix == ".txt" else _column(file, spec, column)
    if not texts:
        raise DataError(f"{option} {file} holds no text.")
    return texts


def _lines(file: DataFile) -> list[str]:
    return [line.strip() for line in lines_in(file) if line.strip()]


def _column(file: Path, spec: TaskSpec, column: str) -> list[str]:
    """As `predict` reads rows: without labels, of which a text has none."""
    asked = replace(
        spec, fields=(column,), files={"input": str(file.absolute())}, hidden=("input",), format="auto", columns=(),
        layout="rows", id="", limit={}, rows={},
    )  # fmt: skip
    return [example.texts[0] for example in read_split(asked, Path("/"), "input", str(file)).examples]


def ranked_text(queries: Sequence[str], candidates: Sequence[str], ranked: Sequence[Sequence[Ranked]]) -> str:
    """Each query with its candidates below it, best first."""
    lines: list[str] = []
    for query, found in zip(queries, ranked, strict=True):
        lines.append(query)
        lines += [f"  {one.score:8.4f}  {candidates[one.candidate]}" for one in found]
    return "\n".join(lines) + "\n"


def write_ranked(
    path: Path, queries: Sequence[str], candidates: Sequence[str], ranked: Sequence[Sequence[Ranked]]
) -> None:
    """Write JSON lines `{"query", "ranked": [{"candidate", "score", "text"}]}`, candidates by their index from 0."""
    lines = [
        json.dumps({"query": query, "ranked": [_described(one, candidates) for one in found]}, ensure_ascii=False)
        for query, found in zip(queries, ranked, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def _described(one: Ranked, candidates: Sequence[str]) -> dict[str, object]:
    return {**asdict(one), "score": round(one.score, _DECIMALS), "text": candidates[one.candidate]}
