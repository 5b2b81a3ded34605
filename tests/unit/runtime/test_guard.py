"""A stranger's work is cut short in time and memory, and leaves no trace."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from q8chat.runtime.guard import bounded

MB = 1 << 20


def test_the_result_comes_back() -> None:
    assert bounded(lambda: 42, 1, 100 * MB) == 42


def test_what_is_raised_comes_through() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        bounded(fail, 1, 100 * MB)


def forever() -> None:
    while True:
        with contextlib.suppress(Exception):  # what an unkind template could do
            sum(range(100))


def test_an_endless_loop_ends() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.3 s"):
        bounded(forever, 0.3, 100 * MB)
    assert time.monotonic() - started < 2


def test_nothing_is_raised_after_work_that_ended_just_in_time() -> None:
    """The interrupt and the end of the work race; whoever wins, it does not hit what comes after."""
    outcomes = set()
    for n in range(60):
        until = time.perf_counter() + 0.004 + n * 0.00005

        def work(until: float = until) -> str:
            while time.perf_counter() < until:
                pass
            return "done"

        try:
            outcomes.add(bounded(work, 0.0055, 100 * MB))
        except TimeoutError:
            outcomes.add("late")
        for _ in range(200):
            time.perf_counter()
    assert outcomes <= {"done", "late"}


def test_memory_is_bounded_and_the_limit_is_lifted_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError):
        bounded(lambda: bytes(400 * MB), 5, 100 * MB)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(bytes(400 * MB)) == 400 * MB


def test_no_timer_stays_behind() -> None:
    bounded(lambda: None, 60, 100 * MB)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer) and not t.finished.is_set()]


def test_a_c_call_that_never_returns_ends_the_process() -> None:
    """No Python code can run meanwhile, not even a timer's; the kernel's can."""
    code = """
from q8chat.runtime.guard import bounded
bounded(lambda: 3 ** (10 ** 9), 0.2, 1 << 30)
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == -signal.SIGALRM
    assert time.monotonic() - started < 10
