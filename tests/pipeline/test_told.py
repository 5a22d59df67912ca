"""What the system refuses is told with its path and a next step; what is a fault of ours stays a traceback."""

import errno
from pathlib import Path

import pytest

from pipeline.told import told


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "Permission denied; give another place"),
        (errno.EROFS, "Read-only file system; give another place"),
        (errno.ENOENT, "No such file or directory; check the path"),
        (errno.EIO, "Input/output error; mend that"),
        (errno.ENOSPC, "no space left; nothing that was saved before is lost"),
    ],
)
def test_an_error_of_the_system_names_the_path_and_what_to_do(
    number: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, told():
        raise OSError(number, "as the system says", "/some/place")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"triptych: /some/place: {words}")


def test_a_folder_below_a_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(SystemExit), told():
        (tmp_path / "notes" / "run").mkdir()
    assert capsys.readouterr().err == (
        f"triptych: {tmp_path}/notes/run: Not a directory; what is a file on the way to it must be a folder: give "
        "another place, and run the same command again.\n"
    )


@pytest.mark.parametrize("error", [OSError("no number"), OSError(errno.EBADF, "no name"), TypeError("a fault of ours")])
def test_what_names_no_path_passes(error: Exception) -> None:
    with pytest.raises(type(error), match=r"no number|no name|a fault"), told():
        raise error
