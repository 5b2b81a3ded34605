"""Passes on what long work reports, but not more than ten times a second, and the last word always."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from q8chat.core.progress import Progress

INTERVAL = 0.1  # seconds between two events at least
REPEAT = 1.0  # with `repeat`: seconds until the same is said again


class Coalesced:
    """A context whose value is a `Report`. `emit` runs on a thread of this object, which ends with the context.

    `repeat`: say the last word again once a second, so that a receiver which measures the pace sees a standstill.
    """

    def __init__(self, emit: Callable[[Progress], None], *, repeat: bool = False) -> None:
        self._emit, self._repeat = emit, repeat
        self._latest: Progress | None = None
        self._news, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Callable[[Progress], None]:
        return self._report

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def _report(self, progress: Progress) -> None:
        self._latest = progress
        self._news.set()
        if self._thread is None:  # most calls never report
            self._thread = threading.Thread(target=self._pass_on, name="progress", daemon=True)
            self._thread.start()

    def _pass_on(self) -> None:
        said: Progress | None = None
        while not self._over.is_set():
            news = self._news.wait(REPEAT)
            self._news.clear()
            latest = self._latest
            if latest is not None and (latest != said or (self._repeat and not news)):
                self._emit(latest)
                said = latest
            self._over.wait(INTERVAL)
        if self._latest is not None and self._latest != said:
            self._emit(self._latest)
