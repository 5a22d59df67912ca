"""Are these the test file's rows, all of them, once each and in its order?"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from finetune.submissions.answer_rows import AnswerRow
from finetune.submissions.board import AnswerFile
from finetune.submissions.findings import Finding

_MISREAD = "The board goes by the order of the rows, so answers are scored against other rows"
_OFFICIAL = " by the official number (--data compares with the test file itself)"
_IN_ORDER = "Write one answer for each row of the test file, in its order"


def check_ids(
    file: AnswerFile, rows: Sequence[AnswerRow], expected: Sequence[str] | None, dropped: int
) -> Iterator[Finding]:
    """Compare the ids of a file with those that are expected: what is wrong is told once, for what it is.

    Args:
        expected: the ids of the test file; None where it is not there, and numbers count.
        dropped: rows that could not be read, which are told of already.
    """
    yield from (_type(file, row) for row in rows if not _right_type(file, row.id))
    ids = [str(row.id) for row in rows]
    twice = _first_repeated(ids)
    if twice is not None:
        yield _twice(file, rows[twice], rows[ids.index(ids[twice])], len(ids) - len(set(ids)))
        return
    given = len(ids) + dropped
    wanted = _wanted(file, given, expected)
    if wanted is None:
        yield from _by_looks(file, rows, given)
        return
    known = frozenset(wanted)
    strange = [row for row in rows if str(row.id) not in known]
    missing = _first_missing(wanted, ids)
    if given != len(wanted):
        yield _count(
            file, given, len(wanted), missing if given < len(wanted) else None, _OFFICIAL if expected is None else ""
        )
    elif strange:
        yield _strange(file, strange, wanted, missing)
    elif file.form != "dict" and not dropped and ids != list(wanted):
        place = next(place for place, (one, other) in enumerate(zip(ids, wanted, strict=True)) if one != other)
        yield _unordered(file, rows[place], wanted[place])


def _wanted(file: AnswerFile, given: int, expected: Sequence[str] | None) -> Sequence[str] | None:
    if expected is not None:
        return expected
    return tuple(map(str, range(file.rows or given))) if file.counted else None


def _by_looks(file: AnswerFile, rows: Sequence[AnswerRow], given: int) -> Iterator[Finding]:
    """Without a test file: the number of rows, where it is known, and the looks of the ids."""
    strange = [row for row in rows if file.id_pattern and not re.fullmatch(file.id_pattern, str(row.id))]
    if strange:
        what = f"{_name(strange[0].id)} is no key of the test file; those look like {file.id_pattern}"
        yield _finding(file, "ids", strange[0].line, what, "The board does not find its own", len(strange))
    elif file.rows is not None and given != file.rows:
        yield _count(file, given, file.rows, None, _OFFICIAL)


def _right_type(file: AnswerFile, given: Any) -> bool:
    if file.form != "lines":
        return True
    return isinstance(given, str) if file.text_ids else isinstance(given, int) and not isinstance(given, bool)


def _type(file: AnswerFile, row: AnswerRow) -> Finding:
    wanted = 'a string, such as "0"' if file.text_ids else "a number, such as 0"
    return Finding(
        kind="id-type",
        file=file.name,
        line=row.line,
        what=f"the id is {row.id!r}, the example files have {wanted}",
        why="Boards that only count lines do not mind; others find no such id",
        remedy="Write it as the example files do",
        is_error=False,
    )


def _twice(file: AnswerFile, row: AnswerRow, earlier: AnswerRow, times: int) -> Finding:
    first = "" if earlier.line is None else f", first on line {earlier.line}"
    return _finding(file, "duplicate", row.line, f"{_name(row.id)} is there twice{first}", _MISREAD, times)


def _count(file: AnswerFile, given: int, wanted: int, missing: str | None, source: str) -> Finding:
    first = "" if missing is None else f"; the first without an answer is {_name(missing)}"
    what = f"{given:,} answers, the test set has {wanted:,} rows{source}{first}"
    return _finding(file, "count", None, what, "The board rejects the file, or scores the task 0")


def _strange(file: AnswerFile, rows: Sequence[AnswerRow], wanted: Sequence[str], missing: str | None) -> Finding:
    ends = f"its ids go from {_name(wanted[0])} to {_name(wanted[-1])}" if wanted else "it has no rows"
    first = f"; {_name(missing)} has no answer" if missing is not None else ""
    what = f"{_name(rows[0].id)} is no row of the test file: {ends}{first}"
    return _finding(file, "ids", rows[0].line, what, "The board finds no row for it", len(rows))


def _unordered(file: AnswerFile, row: AnswerRow, wanted: str) -> Finding:
    return _finding(file, "order", row.line, f"{_name(row.id)} stands where {_name(wanted)} belongs", _MISREAD)


def _finding(file: AnswerFile, kind: str, line: int | None, what: str, why: str, times: int = 1) -> Finding:
    return Finding(kind, file.name, line, what, why, _IN_ORDER, times)


def _name(identity: object) -> str:
    return f"id {str(identity)!r}"


def _first_repeated(ids: Sequence[str]) -> int | None:
    seen: set[str] = set()
    for place, identity in enumerate(ids):
        if identity in seen:
            return place
        seen.add(identity)
    return None


def _first_missing(wanted: Sequence[str], ids: Sequence[str]) -> str | None:
    given = frozenset(ids)
    return next((identity for identity in wanted if identity not in given), None)
