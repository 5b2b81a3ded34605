"""Looking into several folders at once, without waiting for ever for a disk that does not answer.

A system call on a network disk that is gone can block for minutes and can't be interrupted; the thread it blocks is
left alone then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from q8chat.core.progress import Cancel, CancelledError

T = TypeVar("T")
LOOK = 0.02  # seconds between two looks at the threads


class Pulse:
    """The work calls `beat` between two steps, each a short one on a disk that answers."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self._stop = Cancel()

    def beat(self) -> None:
        """Raises CancelledError when nobody waits any more."""
        self.at = time.monotonic()
        self._stop.check()

    def stop(self) -> None:
        """Nobody waits any more."""
        self._stop.set()


class _Worker(Generic[T]):
    def __init__(self, work: Callable[[Pulse], T]) -> None:
        self.pulse, self.results = Pulse(), list[T]()
        self._work = work
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.results.append(self._work(self.pulse))
        except CancelledError:
            return

    def is_waited_for(self, seconds: float) -> bool:
        return self.thread.is_alive() and time.monotonic() - self.pulse.at < seconds

    def outcome(self) -> T | None:
        if self.results:
            return self.results[0]
        if self.thread.is_alive():
            return None
        raise RuntimeError("the work ended without a result")


def together(works: Sequence[Callable[[Pulse], T]], seconds: float, wait: Callable[[], None]) -> list[T | None]:
    """Do all at once; None for one that did not beat for `seconds`.

    `wait` is called again and again meanwhile, in this thread; what it raises ends the waiting. What a work raises
    is its own business to catch; here it is a RuntimeError.
    """
    workers = [_Worker(work) for work in works]
    try:
        wait()
        for worker in workers:
            while worker.is_waited_for(seconds):
                wait()
                worker.thread.join(LOOK)
        return [worker.outcome() for worker in workers]
    finally:
        for worker in workers:
            worker.pulse.stop()
