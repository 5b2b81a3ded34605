"""What every child process of ours does: events on stdout and nothing else there, and no life without its parent.

The other side is `core.child_process`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import BinaryIO


@contextlib.contextmanager
def last_of_the_process() -> Iterator[None]:
    """When the body ends, the process ends, whatever its other threads do; what was raised goes to the log."""
    code = 1
    try:
        yield
        code = 0
    except BrokenPipeError:
        code = 0  # nobody listens any more
    finally:
        if code:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)


def open_events() -> BinaryIO:
    """The pipe to the application, unbuffered. Native libraries may print to stdout: that goes to the log from now.

    Ctrl+C in a terminal is for the application, which then tells its children what to do.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return events


def write_all(events: BinaryIO, line: bytes) -> None:
    """Write a line that may be longer than what the pipe has room for."""
    view = memoryview(line)
    while view:
        view = view[events.write(view) :]


def read_requests(on_line: Callable[[bytes], None]) -> None:
    """Give each line of stdin to `on_line` on a thread of its own, and end the process the moment stdin closes.

    That is how a child dies with the application even when that was killed with -9.
    """

    def read() -> None:
        with last_of_the_process():
            for line in sys.stdin.buffer:
                on_line(line)

    threading.Thread(target=read, name="requests", daemon=True).start()
