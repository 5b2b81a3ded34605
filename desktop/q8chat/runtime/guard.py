"""Running a stranger's pure-Python work (a template) with a bounded time and bounded memory."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil

T = TypeVar("T")

HARD_LIMIT = 4  # times the time that was given


class OutOfTime(BaseException):
    """Raised inside the work; not an Exception, so that nothing in the work can catch it by accident."""


def bounded(work: Callable[[], T], seconds: float, n_bytes: int) -> T:
    """Run `work` in this thread.

    Raises TimeoutError after `seconds` (between two Python instructions, so a single long C call is not cut short)
    and MemoryError when the process would grow by more than `n_bytes` of address space (Linux only). A C call that
    goes on for HARD_LIMIT times as long ends the process by SIGALRM: no Python code could run to end it.
    """
    lock, thread, running = threading.Lock(), threading.get_ident(), True

    def interrupt() -> None:
        with lock:
            if running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    try:
        try:
            timer.start()
            with _memory_limit(n_bytes), _hard_limit(seconds * HARD_LIMIT):
                return work()
        finally:
            with lock:
                running = False
            timer.cancel()
    except OutOfTime:
        raise TimeoutError(f"no result after {seconds:g} s") from None


@contextlib.contextmanager
def _hard_limit(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _memory_limit(n_bytes: int) -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + n_bytes
    if before[0] != resource.RLIM_INFINITY:
        wanted = min(wanted, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (wanted, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
