"""Real busy threads and processes. The machine may be busy with other things too, so all bounds come from what the
kernel gave each of them, not from what they asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from q8chat.hardware.load import OtherLoad

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs CPU affinity")

SPAN = 0.6
ROUNDING = 0.12  # the kernel counts in steps of 10 ms, on both ends of the span and for all and for us


@pytest.fixture
def one_cpu() -> Iterator[int]:
    """Confine this test and its children to one CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield max(before)
    os.sched_setaffinity(0, before)


@pytest.fixture
def busy_child(one_cpu: int) -> Iterator[psutil.Process]:
    """A process of its own session that never rests."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.kill()


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def demand(share: float) -> None:
    """Below this the differences looked for would drown in rounding."""
    if share <= 2 * ROUNDING:
        pytest.skip(f"the machine is too busy: only {share:.2f} of a CPU was left for the test")


@pytest.fixture
def load() -> Iterator[OtherLoad]:
    watcher = OtherLoad()
    yield watcher
    watcher.close()


def test_a_busy_process_counts(busy_child: psutil.Process, load: OtherLoad) -> None:
    load.sample()
    before, start = spent(busy_child), time.monotonic()
    time.sleep(SPAN)
    sampled = load.sample()
    share = (spent(busy_child) - before) / (time.monotonic() - start)
    demand(share)
    assert share - ROUNDING <= sampled <= 1 + ROUNDING


def test_our_own_threads_do_not_count(one_cpu: int, load: OtherLoad) -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    threads = [threading.Thread(target=spin) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    load.sample()
    own, start = time.process_time(), time.monotonic()
    time.sleep(SPAN)
    sampled, share = load.sample(), (time.process_time() - own) / (time.monotonic() - start)
    stop.set()
    for thread in threads:
        thread.join()
    demand(share)
    assert sampled <= 1 - share + ROUNDING


def test_only_the_watched_cpus_count(busy_child: psutil.Process, one_cpu: int) -> None:
    others = frozenset(range(os.cpu_count() or 1)) - {one_cpu}
    if not others:
        pytest.skip("needs a second CPU")
    here, elsewhere, everywhere = map(OtherLoad, (frozenset({one_cpu}), others, others | {one_cpu}))
    before, start = spent(busy_child), time.monotonic()
    time.sleep(SPAN)
    loads = here.sample(), elsewhere.sample(), everywhere.sample()
    share = (spent(busy_child) - before) / (time.monotonic() - start)
    for watcher in (here, elsewhere, everywhere):
        watcher.close()
    demand(share)
    assert loads[0] >= share - ROUNDING
    assert loads[0] + loads[1] == pytest.approx(loads[2], abs=2 * ROUNDING)


def test_calls_in_quick_succession_repeat_the_answer(busy_child: psutil.Process, load: OtherLoad) -> None:
    time.sleep(0.3)
    first = load.sample()
    assert first > 0
    assert load.sample() == first


def test_closing_twice_is_fine() -> None:
    watcher = OtherLoad()
    watcher.close()
    watcher.close()
