"""A user's mistake is told as one message, without a traceback."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tokenization.errors import TriptychError

_NOTHING_LOST = "nothing that was saved before is lost. Free some space and run the same command again."


@contextmanager
def told() -> Iterator[None]:
    """End the process with exit code 1 and the message when the block raises a TriptychError; 130 after Ctrl-C."""
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
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"triptych: {where}no space left; {_NOTHING_LOST}", err=True)
        sys.exit(1)
