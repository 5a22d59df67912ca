"""Content addresses depend on content, and on nothing else."""

import hashlib
from pathlib import Path

from tokenization import fingerprint


def test_a_files_address_is_its_blake2b_on_every_python(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3_000_000)
    expected = hashlib.blake2b(b"x" * 3_000_000, digest_size=8).hexdigest()
    assert fingerprint.of_file(file) == expected
    with open(file, "rb") as handle:
        assert fingerprint.of_stream(handle) == expected


def test_names_do_not_matter_but_order_does(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(text)
    a, b, c = (tmp_path / name for name in "abc")
    assert fingerprint.of_files([a, b]) == fingerprint.of_files([c, b])
    assert fingerprint.of_files([a, b]) != fingerprint.of_files([b, a])


def test_the_order_of_keys_does_not_matter() -> None:
    assert fingerprint.of_value({"a": 1, "b": [2]}) == fingerprint.of_value({"b": [2], "a": 1})
    assert fingerprint.of_value({"a": 1}) != fingerprint.of_value({"a": "1"})
