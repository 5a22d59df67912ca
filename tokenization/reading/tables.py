"""Texts out of columns: parquet files, and datasets of the `datasets` library."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from tokenization.errors import DataError, did_you_mean
from tokenization.reading.files import is_saved_dataset
from tokenization.spec import CorpusSpec

_ROWS_AT_ONCE = 256


def parquet_cells(path: Path, spec: CorpusSpec) -> Iterator[tuple[str, str]]:
    """Yield (text, origin) of a parquet file's column, a batch of rows in memory at a time; null is empty text.

    Raises:
        DataError: not a parquet file, no such column, or a column that holds no text.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _require_text_column(file.schema_arrow, spec.field, str(path))
            row = 0
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[spec.field]):
                for text in batch.column(0).to_pylist():
                    yield text or "", f"{path} row {row}"
                    row += 1
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a whole parquet file: {error}. Fetch or write the file again.") from None


def dataset_cells(path: Path, spec: CorpusSpec) -> Iterator[tuple[str, str]]:
    """Yield (text, origin) of a dataset: a folder of `save_to_disk`, a folder of data files, or a public name.

    Raises:
        DataError: it cannot be opened, has no such split or column, or the column holds no text.
    """
    rows = _open_dataset(path, spec.split)
    _require_text_column(rows.features.arrow_schema, spec.field, f"{path} ({spec.split})")
    texts: Iterable[Any] = rows.select_columns([spec.field])
    for number, row in enumerate(texts):
        yield row[spec.field] or "", f"{path} ({spec.split}) row {number}"


def _open_dataset(path: Path, split: str) -> Any:
    import datasets  # a second of import that only this format needs

    try:
        if not is_saved_dataset(path):
            return datasets.load_dataset(str(path), split=split)
        saved = datasets.load_from_disk(str(path))
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"dataset {path}, split {split!r}: {error}\nCorrect the name or the split, or save the dataset with "
            "`save_to_disk` where there is a network and name that folder."
        ) from None
    if not isinstance(saved, datasets.DatasetDict):
        return saved
    if split not in saved:
        raise DataError(
            f"dataset {path}: no split {split!r}; there are: {', '.join(map(repr, saved))}"
            f"{did_you_mean(split, saved) or '.'} Set the corpus's `split`."
        )
    return saved[split]


def _require_text_column(schema: Any, field: str, where: str) -> None:
    if field not in schema.names:
        raise DataError(
            f"{where}: no column {field!r}; there are: {', '.join(map(repr, schema.names)) or 'none'}"
            f"{did_you_mean(field, schema.names) or '.'} Set the corpus's `field`."
        )
    kind = schema.field(field).type
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_null(kind)):
        raise DataError(f"{where}: column {field!r} holds {kind}, not text. Set the corpus's `field`.")
