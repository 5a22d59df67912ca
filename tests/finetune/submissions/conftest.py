"""Sound submissions of every suite, at official sizes, and zips of them with something broken."""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from finetune.submissions.board import AnswerFile
from finetune.submissions.boards import BOARDS

Files = Mapping[str, bytes]


def ids_of(file: AnswerFile) -> list[Any]:
    """Ids as the official files have them; 40 where the number of rows is open."""
    rows = range(file.rows or 40)
    if file.task == "cmrc2018":
        return [f"TEST_{row // 2}_QUERY_{row % 2}" for row in rows]
    if file.task == "chid":
        return [f"#idiom{623377 + row}#" for row in rows]
    first = 0 if file.counted else 49
    return [str(first + row) if file.text_ids else first + row for row in rows]


def answer_of(file: AnswerFile) -> Any:
    """An answer that every row may have."""
    answers = {"score": "2.500", "place": 3, "text": "范廷颂", "spans": {"name": {"周荫如": [[15, 17]]}}}
    return answers.get(file.answer) or file.filler or next(iter(file.names.values()))


def sound_file(file: AnswerFile) -> bytes:
    """A file as its board takes it, written without our writer."""
    value = answer_of(file)
    if file.form == "dict":
        return json.dumps(dict.fromkeys(ids_of(file), value), ensure_ascii=False).encode()
    if file.form == "tsv":
        return ("index\tprediction\n" + "".join(f"{index}\t{value}\n" for index in ids_of(file))).encode()
    rows = (json.dumps({"id": index, file.key: value}, ensure_ascii=False) for index in ids_of(file))
    return "".join(f"{row}\n" for row in rows).encode()


@pytest.fixture(scope="session")
def sound() -> Mapping[str, Files]:
    """Suite → file → bytes."""
    return {name: {file.name: sound_file(file) for file in board.files} for name, board in BOARDS.items()}


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[Files], Path]:
    """Zip files that stand at the names given."""

    def make(files: Files | Iterable[tuple[str, bytes]]) -> Path:
        path = tmp_path / "submission.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items() if isinstance(files, Mapping) else files:
                archive.writestr(name, data)
        return path

    return make
