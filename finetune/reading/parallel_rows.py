"""Rows of aligned files: line n of each file belongs to row n, as corpora of translations are handed out."""

from collections.abc import Iterator, Sequence

from finetune.reading.archive import DataFile
from finetune.reading.row import Row, lines_in
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError


def parallel_rows(files: Sequence[DataFile], spec: TaskSpec, columns: Sequence[str]) -> Iterator[Row]:
    """A row for each line, its columns the files' lines.

    Args:
        columns: what the files hold, in their order: the fields, then the label where it is read; where it is not, its
            file may be there or not.

    Raises:
        DataError: another number of files than of columns, or files of different lengths.
    """
    if spec.label not in columns and len(files) == len(columns) + 1:
        files = files[:-1]
    if len(files) != len(columns):
        raise DataError(
            f"task {spec.name!r}: {len(files)} files ({', '.join(map(str, files))}) for {len(columns)} columns "
            f"({', '.join(columns)}); layout parallel_lines takes a file for each, in this order."
        )
    texts = [lines_in(file) for file in files]
    counts = [len(lines) for lines in texts]
    if len(set(counts)) > 1:
        shown = ", ".join(f"{file}: {count:,}" for file, count in zip(files, counts, strict=True))
        raise DataError(f"task {spec.name!r}: lines that belong together are in files of different lengths: {shown}.")
    for number, values in enumerate(zip(*texts, strict=True), 1):
        yield Row(files[0], number, dict(zip(columns, values, strict=True)), cells=True)
