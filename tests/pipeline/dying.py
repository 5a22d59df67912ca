"""Run the command line in a process that is killed at a file: `dying.py PATTERN COUNT WORD…`.

SIGKILL comes the moment the process opens, makes or renames a file or folder whose path matches the pattern for the
COUNT-th time: anywhere in its writing, and at the same place on a fast machine and on a slow one.
"""

import os
import signal
import sys
from fnmatch import fnmatch

from pipeline.cli import main

pattern, left = sys.argv[1], int(sys.argv[2])


def watch(event: str, arguments: tuple[object, ...]) -> None:
    global left
    paths = {"open": arguments[:1], "os.mkdir": arguments[:1], "os.rename": arguments[:2]}.get(event, ())
    if any(isinstance(path, str | os.PathLike) and fnmatch(os.fspath(path), pattern) for path in paths):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(watch)
sys.argv[:] = ["triptych", *sys.argv[3:]]
main()
