"""The thread count follows the cores that are free."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from q8chat.runtime.governor import FREE_CHECKS, ThreadGovernor


def after(governor: ThreadGovernor, *others: float) -> int:
    """Threads after checks that found others using that many cores."""
    for cores in others:
        governor._follow(cores)
    return governor.threads()


@pytest.fixture
def governor() -> ThreadGovernor:
    governor = ThreadGovernor(8)
    governor._checked = time.monotonic() + 3600  # only the checks of the test count
    return governor


def test_an_idle_machine_gives_all(governor: ThreadGovernor) -> None:
    assert after(governor, 0.0, 0.1, 0.2) == 8


def test_a_core_that_is_taken_counts_at_once(governor: ThreadGovernor) -> None:
    assert after(governor, 1.0) == 7


def test_a_short_burst_does_not(governor: ThreadGovernor) -> None:
    assert after(governor, 0.0, 0.5, 0.0) == 8


def test_more_load_fewer_threads_but_always_one(governor: ThreadGovernor) -> None:
    assert after(governor, *[3.0] * 6) == 5
    assert after(governor, *[16.0] * 6) == 1


def test_a_free_core_is_used_again_only_when_it_stays_free(governor: ThreadGovernor) -> None:
    assert after(governor, *[4.0] * 6) == 4
    assert after(governor, *[0.0] * (FREE_CHECKS - 1)) == 4
    assert after(governor, *[0.0] * 6) == 8


def test_a_fixed_number_stays() -> None:
    governor = ThreadGovernor(2, adapt=False)
    governor._checked -= 1
    assert governor.threads() == 2


def test_real_busy_processes_are_noticed() -> None:
    governor = ThreadGovernor(2)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        deadline = time.monotonic() + 10
        while governor.threads() > 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        for process in busy:
            process.kill()
            process.wait()
