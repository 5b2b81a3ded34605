"""A real system call that blocks stands for a disk that is gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core.progress import Cancel, CancelledError
from q8chat.library.patience import Pulse, together


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """Opening it for reading blocks until the test is over."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    yield path
    both_ends = os.open(path, os.O_RDWR)
    for thread in threading.enumerate():
        if "(_run)" in thread.name:
            thread.join(5)
    os.close(both_ends)


def test_one_that_hangs_does_not_keep_the_others(pipe: Path) -> None:
    def hang(pulse: Pulse) -> str:
        with pipe.open("rb"):
            pulse.beat()
        return "late"

    started = time.monotonic()
    assert together([hang, lambda pulse: "here"], 0.3, lambda: None) == [None, "here"]
    assert time.monotonic() - started < 5


def test_one_that_is_slow_but_alive_is_waited_for() -> None:
    def slow(pulse: Pulse) -> str:
        for _ in range(8):
            time.sleep(0.1)
            pulse.beat()
        return "done"

    assert together([slow], 0.4, lambda: None) == ["done"]


def test_cancelling_does_not_wait_and_ends_the_work(pipe: Path) -> None:
    cancel, ended = Cancel(), threading.Event()

    def hang(pulse: Pulse) -> None:
        cancel.set()
        with pipe.open("rb"):
            ended.set()

    def work(pulse: Pulse) -> None:
        try:
            while True:
                pulse.beat()
                time.sleep(0.01)
        except CancelledError:
            ended.set()
            raise

    with pytest.raises(CancelledError):
        together([hang, work], 60, cancel.check)
    assert ended.wait(5)
