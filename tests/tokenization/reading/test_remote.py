"""Another text behind a URL is another version, whatever its server tells of it."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tokenization.reading.remote import remote_version

pytest.importorskip("aiohttp", reason="fsspec opens https:// with aiohttp, which is not installed")


class Telling(http.server.SimpleHTTPRequestHandler):
    """Tells length and time."""

    silent_on: tuple[str, ...] = ()

    def log_message(self, *told: object) -> None:
        pass

    def send_header(self, keyword: str, value: str) -> None:
        if keyword not in self.silent_on:
            super().send_header(keyword, value)


class OnlyLength(Telling):
    """Tells no time."""

    silent_on = ("Last-Modified",)


class Silent(Telling):
    """Tells nothing."""

    silent_on = ("Last-Modified", "Content-Length")


@contextmanager
def serving(handler: type[Telling], folder: Path) -> Iterator[str]:
    make = functools.partial(handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("handler", [Telling, OnlyLength, Silent])
def test_another_text_of_the_same_length_is_another_version(tmp_path: Path, handler: type[Telling]) -> None:
    file = tmp_path / "c.txt"
    with serving(handler, tmp_path) as url:
        file.write_text("one")
        os.utime(file, (1_000_000, 1_000_000))
        first = [remote_version(f"{url}/c.txt") for _ in range(2)]
        file.write_text("two")
        assert remote_version(f"{url}/c.txt") != first[0] == first[1]


def test_files_of_equal_length_and_time_are_told_apart_by_their_urls(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1_000_000, 1_000_000))
    with serving(Telling, tmp_path) as url:
        assert remote_version(f"{url}/a.txt") != remote_version(f"{url}/b.txt")


def test_files_in_memory_are_told_apart_by_their_bytes() -> None:
    fsspec = pytest.importorskip("fsspec")
    for name, text in (("one", b"same"), ("two", b"same"), ("three", b"else")):
        fsspec.filesystem("memory").pipe(f"/versions/{name}.txt", text)
    one, two, three = (remote_version(f"memory://versions/{name}.txt") for name in ("one", "two", "three"))
    assert one == two != three
