"""Files on a web server are read as those of this machine, whether or not the server sends parts of a file."""

import functools
import gzip
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tokenization.errors import DataError, RunError
from tokenization.reading.blocks import plan_blocks
from tokenization.reading.documents import read_block
from tokenization.reading.faults import Faults
from tokenization.spec import CorpusSpec

pytest.importorskip("aiohttp", reason="fsspec opens https:// with aiohttp, which is not installed")

TEXTS = [f"document {number}" for number in range(20_000)]


class Whole(http.server.SimpleHTTPRequestHandler):
    """Sends whole files only."""

    def log_message(self, *told: object) -> None:
        pass


class InParts(Whole):
    """Sends the part of a file that is asked for."""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            return super().do_GET()
        content = Path(self.translate_path(self.path)).read_bytes()
        part = content[int(asked[1]) : int(asked[2]) + 1]
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Range", f"bytes {asked[1]}-{int(asked[1]) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


class BreakingOff(Whole):
    """Announces a whole file, sends half of it and hangs up."""

    def do_GET(self) -> None:
        content = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])


class BreakingOffInParts(InParts):
    """Sends parts up to the middle of a file, and breaks off each one beyond."""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        size = Path(self.translate_path(self.path)).stat().st_size
        if asked is None or int(asked[2]) < size // 2:
            return super().do_GET()
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Range", f"bytes {asked[1]}-{asked[2]}/{size}")
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"x")


@contextmanager
def serving(handler: type[Whole], folder: Path) -> Iterator[str]:
    """The address of a server of a folder."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
    ) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(params=[Whole, InParts])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, bool]]:
    """A server of `tmp_path`, and whether it sends parts."""
    with serving(request.param, tmp_path) as url:
        yield url, request.param is InParts


def read(spec: CorpusSpec, size: int = 1 << 26) -> tuple[list[str], int]:
    blocks = plan_blocks(spec, None, size)
    return [document.text for block in blocks for document in read_block(spec, block, Faults())], len(blocks)


def test_text_on_a_server_is_cut_only_where_the_server_sends_parts(tmp_path: Path, server: tuple[str, bool]) -> None:
    url, in_parts = server
    (tmp_path / "c.txt").write_text("\n\n".join(TEXTS))
    texts, blocks = read(CorpusSpec("c", (f"{url}/c.txt?download=true",)), 100_000)
    assert (texts, blocks > 1) == (TEXTS, in_parts)


def test_archives_and_patterns_on_a_server_are_read(tmp_path: Path, server: tuple[str, bool]) -> None:
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress("\n\n".join(TEXTS).encode()))
    assert read(CorpusSpec("c", (f"{server[0]}/*.gz",))) == (TEXTS, 1)


def test_parquet_on_a_server_needs_one_that_sends_parts(tmp_path: Path, server: tuple[str, bool]) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), tmp_path / "c.parquet")
    spec = CorpusSpec("c", (f"{server[0]}/c.parquet",))
    if server[1]:
        assert read(spec) == (TEXTS, 1)
    else:
        with pytest.raises(DataError, match=r"c\.parquet: not a whole parquet file: Cannot seek"):
            read(spec)


@pytest.mark.parametrize(
    ("handler", "name"),
    [*((BreakingOffInParts, f"c.{ending}") for ending in ("txt", "txt.gz", "parquet")), (BreakingOff, "c.txt")],
)
def test_a_connection_that_breaks_off_is_told_and_never_skipped_as_malformed(
    tmp_path: Path, handler: type[Whole], name: str
) -> None:
    if name == "c.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), tmp_path / name)
    else:
        text = "\n\n".join(TEXTS).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name == "c.txt.gz" else text)
    with serving(handler, tmp_path) as url:
        spec = CorpusSpec("c", (f"{url}/{name}",), skip_bad=True)
        with pytest.raises(RunError, match=rf"{name}: cannot be read: \w+: .*run the same command again"):
            [list(read_block(spec, block, Faults(skip=True))) for block in plan_blocks(spec, None, 100_000)]
