"""Which process is writing an answer, and whether it still lives."""

from __future__ import annotations

import os
from functools import lru_cache

import psutil

# Start times are derived from the system clock, which may be set a little while a process runs.
_CLOCK_SECONDS = 2.0

Writer = tuple[int, float]  # process id, and start time in Unix seconds because ids are used again


def this_process() -> Writer:
    """The writer that this process is."""
    return os.getpid(), _started(os.getpid())


@lru_cache(maxsize=1)  # keyed by the id, so that a forked child gets its own
def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def is_alive(writer: Writer) -> bool:
    """Whether that very process still runs."""
    pid, started = writer
    if pid == os.getpid():
        return abs(_started(pid) - started) < _CLOCK_SECONDS
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < _CLOCK_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's process took over the id
        return False
