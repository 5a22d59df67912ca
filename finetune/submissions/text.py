"""Bytes of a file of answers → its lines: UTF-8 without a byte order mark, lines ended by a line feed alone."""

from dataclasses import dataclass

from finetune.submissions.findings import Finding

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WRITE_PLAINLY = "Write it as UTF-8 without a byte order mark, lines ended by \\n (Python: newline='\\n')"


@dataclass(frozen=True)
class Text:
    """A file's text.

    Attributes:
        lines: number, from 1, and content of each line that is not blank; empty where the bytes are no UTF-8.
    """

    lines: tuple[tuple[int, str], ...]
    findings: tuple[Finding, ...]


def read_text(name: str, data: bytes) -> Text:
    """Decode a file and tell what a board's parser would trip over; the text goes on without it."""
    findings: list[Finding] = []
    if not data.removeprefix(_BOM).strip():
        return Text((), (_empty(name),))
    if data.startswith(_UTF16):
        return _no_text(name, "it is UTF-16")
    if data.startswith(_BOM):
        findings.append(_mark(name))
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        return _no_text(name, f"it is not UTF-8: byte {error.start} ({error.reason})")
    if "\r" in text:
        findings.append(_returns(name, text))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = list(enumerate(text.removesuffix("\n").split("\n"), 1))
    findings += [_blank(name, number, number == len(lines)) for number, line in lines if not line.strip()]
    return Text(tuple((number, line) for number, line in lines if line.strip()), tuple(findings))


def _no_text(name: str, what: str) -> Text:
    return Text((), (Finding("encoding", name, None, what, "The board reads UTF-8", _WRITE_PLAINLY),))


def _empty(name: str) -> Finding:
    return Finding("empty", name, None, "it is empty", "There is nothing to score", "Write the answers into it")


def _mark(name: str) -> Finding:
    return Finding(
        kind="bom",
        file=name,
        line=1,
        what="it begins with a byte order mark",
        why="The first name or number of the file is then read as another one",
        remedy=_WRITE_PLAINLY,
    )


def _returns(name: str, text: str) -> Finding:
    return Finding(
        kind="cr",
        file=name,
        line=text[: text.index("\r")].count("\n") + 1,
        what="lines end in carriage returns (\\r)",
        why="The board reads them as a part of the label",
        remedy=_WRITE_PLAINLY,
        times=text.count("\r"),
    )


def _blank(name: str, number: int, is_last: bool) -> Finding:
    return Finding(
        kind="blank",
        file=name,
        line=number,
        what="a blank line at the end" if is_last else "a blank line",
        why="The board counts it as an answer that is not one",
        remedy="Leave it out",
    )
