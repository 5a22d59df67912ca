"""What is written aside appears whole or not at all."""

from pathlib import Path

import pytest

from tokenization import atomic
from tokenization.errors import RunError


@pytest.mark.parametrize("folder", [True, False])
def test_a_failed_write_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path, folder: bool) -> None:
    def write(text: str, fail: bool) -> None:
        with atomic.aside(tmp_path / "thing") as temporary:
            if folder:
                temporary.mkdir()
            (temporary / "file" if folder else temporary).write_text(text)
            if fail:
                raise KeyboardInterrupt

    target = tmp_path / "thing" / "file" if folder else tmp_path / "thing"
    write("first", fail=False)
    with pytest.raises(KeyboardInterrupt):
        write("second", fail=True)
    assert target.read_text() == "first"
    write("third", fail=False)
    assert target.read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_json_refuses_what_other_readers_reject(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_file_never_takes_the_place_of_a_folder_nor_a_folder_that_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "notes").write_text("a year's")
    with pytest.raises(RunError, match="work is a folder, and a file is to be written there; nothing is changed"):
        atomic.write_text(tmp_path / "work", "answers")
    with (
        pytest.raises(RunError, match="notes is a file, and a folder is to be written there"),
        atomic.aside(tmp_path / "work" / "notes") as temporary,
    ):
        temporary.mkdir()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["work", "work/notes"]
    assert (tmp_path / "work" / "notes").read_text() == "a year's"
