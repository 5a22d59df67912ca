"""A user's mistake is told as one message, without a traceback."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tokenization.errors import TriptychError

_NOTHING_LOST = "nothing that was saved before is lost. Free some space and run the same command again."
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NEXT = {
    errno.ENOENT: "check the path, and that nothing takes it away meanwhile",
    errno.EACCES: "give another place, or take the right to use this one",
    errno.EPERM: "give another place, or take the right to use this one",
    errno.EROFS: "give another place",
    errno.EEXIST: "a folder is needed there: give another place, or move the file away",
    errno.ENOTDIR: "what is a file on the way to it must be a folder: give another place",
    errno.EISDIR: "a file is needed there: give another place",
}


@contextmanager
def told() -> Iterator[None]:
    """End the process with exit code 1 and the message when the block raises a TriptychError; 130 after Ctrl-C.

    So too where the system refuses a file. An OSError that names none is a fault of ours, and passes.
    """
    try:
        yield
    except TriptychError as error:
        click.echo(f"triptych: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("triptych: interrupted; run the same command again to go on.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        text = _of_system(error)
        if text is None:
            raise
        click.echo(f"triptych: {text}", err=True)
        sys.exit(1)


def _of_system(error: OSError) -> str | None:
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes | os.PathLike) else ""
    if error.errno in _FULL:
        return f"{where}no space left; {_NOTHING_LOST}"
    if not where or error.errno is None:
        return None
    advice = _NEXT.get(error.errno, "mend that, or give another place")
    return f"{where}{os.strerror(error.errno)}; {advice}, and run the same command again."
