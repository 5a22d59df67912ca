"""Documents out of files: plain text and JSON lines here, columns in `arrow_readers`, chosen by format."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tokenization.errors import DataError, did_you_mean
from tokenization.reading.files import Format, resolve_files
from tokenization.reading.tables import dataset_cells, parquet_cells
from tokenization.spec import CorpusSpec

Cells = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Document:
    """A text, stripped and not empty, and where it came from (file and line or row)."""

    text: str
    origin: str


def read_documents(spec: CorpusSpec, on_empty: Callable[[str], None] | None = None) -> Iterator[Document]:
    """Yield a corpus's documents in the order of its files, the first `spec.documents` of them.

    Args:
        on_empty: called with the origin of every empty document, which is skipped.

    Raises:
        DataError: a file is missing, malformed (file and line, or byte offset) or lacks the field.
    """
    return islice(_non_empty(spec, on_empty), spec.documents)


def _non_empty(spec: CorpusSpec, on_empty: Callable[[str], None] | None) -> Iterator[Document]:
    for source in resolve_files(spec):
        for text, origin in _READERS[source.format](source.path, spec):
            stripped = text.strip()
            if stripped:
                yield Document(stripped, origin)
            elif on_empty is not None:
                on_empty(origin)


def text_cells(path: Path, spec: CorpusSpec) -> Cells:
    """Plain text: a blank line between documents."""
    lines: list[str] = []
    first = 1
    for number, line in decoded_lines(path):
        if line.strip():
            first = first if lines else number
            lines.append(line)
        elif lines:
            yield "\n".join(lines), f"{path}:{first}"
            lines = []
    if lines:
        yield "\n".join(lines), f"{path}:{first}"


def json_cells(path: Path, spec: CorpusSpec) -> Cells:
    """JSON lines: one object a line with the text under `spec.field`; null counts as empty."""
    for number, line in decoded_lines(path):
        if line.strip():
            yield _field(_json_object(line, path, number), spec.field, f"{path}:{number}"), f"{path}:{number}"


def decoded_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end) of a UTF-8 file; a byte-order mark at the start is dropped.

    Raises:
        DataError: bytes that are not UTF-8, with the file and the byte offset.
    """
    offset = 0
    with open(path, "rb") as handle:
        for number, raw in enumerate(handle, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                at = offset + error.start + (3 if number == 1 and raw.startswith(b"\xef\xbb\xbf") else 0)
                raise DataError(
                    f"{path}: not UTF-8 at byte {at} (line {number}): {error.reason}, byte 0x{raw[at - offset]:02x}. "
                    "Convert the file (for instance `iconv -t UTF-8`) or mend the byte."
                ) from None
            offset += len(raw)
            yield number, line.rstrip("\r\n")


def _json_object(line: str, path: Path, number: int) -> dict[str, object]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{number}: malformed JSON: {error.msg} (column {error.colno}). "
            "This format is one JSON object a line."
        ) from None
    if not isinstance(value, dict):
        raise DataError(f"{path}:{number}: a JSON {type(value).__name__}, where one object a line is expected.")
    return value


def _field(row: dict[str, object], field: str, origin: str) -> str:
    if field not in row:
        raise DataError(
            f"{origin}: no field {field!r}; there are: {', '.join(map(repr, row)) or 'none'}"
            f"{did_you_mean(field, row) or '.'} Set the corpus's `field`."
        )
    text = row[field]
    if text is not None and not isinstance(text, str):
        raise DataError(f"{origin}: field {field!r} holds {type(text).__name__} {text!r:.60}, not text.")
    return text or ""


_READERS: dict[Format, Callable[[Path, CorpusSpec], Cells]] = {
    "text": text_cells,
    "jsonl": json_cells,
    "parquet": parquet_cells,
    "dataset": dataset_cells,
}
