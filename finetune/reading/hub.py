"""A task's rows from the hub, through `datasets`, as the rows that its files would give."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.reading.row import Row, check_columns
from finetune.tasks.hub_splits import split_there
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

_HIDDEN = -1


def hub_rows(spec: TaskSpec, data: Path, split: str, needed: tuple[str, ...]) -> tuple[str, Iterator[Row]]:
    """The words for where the rows of a split stand, and the rows, under our columns' names.

    A class that the data set holds as a number is given by its name. A data set that is a folder below the data folder
    is read from there.

    Raises:
        DataError: the hub or the data set cannot be reached, or a column is not there.
    """
    assert spec.hub is not None
    theirs = split_there(spec, split)
    where = f"{spec.hub.path}{f' ({spec.hub.config})' if spec.hub.config else ''}, split {theirs}, on the hub"
    table = _opened(spec, data, theirs, where)
    ours = {name: our for our, name in spec.hub.columns.items()}
    columns = [ours.get(name, name) for name in table.column_names]
    check_columns(where, columns, needed)
    names = {ours.get(name, name): _class_names(feature) for name, feature in table.features.items()}
    return where, _rows(table, columns, names, spec.hub.labels, where)


def _opened(spec: TaskSpec, data: Path, split: str, where: str) -> Any:
    import datasets  # seconds of import that only these tasks need

    assert spec.hub is not None
    local = data / spec.hub.path
    try:
        return datasets.load_dataset(str(local) if local.is_dir() else spec.hub.path, spec.hub.config, split=split)
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"{where}: {error}\nIt is read as task {spec.name!r}. Check the name and the network, save the data set "
            f"below the data folder as {spec.hub.path}/, or read the task from files."
        ) from None


def _class_names(feature: Any) -> Sequence[str] | None:
    """The names of a column of classes, or of lists of them."""
    inner = getattr(feature, "feature", feature)
    return getattr(inner, "names", None)


def _rows(
    table: Any,
    columns: Sequence[str],
    names: Mapping[str, Sequence[str] | None],
    renamed: Mapping[str, str],
    where: str,
) -> Iterator[Row]:
    for number, values in enumerate(table, 1):
        row = dict(zip(columns, values.values(), strict=True))
        yield Row(where, number, {name: _named(value, names[name], renamed) for name, value in row.items()}, unit="row")


def _named(value: Any, names: Sequence[str] | None, renamed: Mapping[str, str]) -> Any:
    """A class's number as the label it stands for; -1, the number of a label that is not given, as None."""
    if names is None:
        return value
    if isinstance(value, list):
        return [_named(one, names, renamed) for one in value]
    if value is None or value == _HIDDEN:
        return None
    return renamed.get(names[value], names[value])
