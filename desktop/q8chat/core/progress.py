"""How long work says how far it is, and how it is told to stop.

A core function that takes time has two parameters: `progress: Report` and `cancel: Cancel`. It calls `progress` as
often as it likes (the receiver coalesces) and `cancel.check()` at least a few times a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


class CancelledError(Exception):
    """The work was told to stop and did. Not an error of the user's: it is never shown."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    `done` and `total` count `unit`s: "bytes", "tensors", "files", ...; total 0: not known yet.
    `note`: what is being done right now, in a few words ("Checking the file"); may be empty.
    """

    done: int
    total: int = 0
    unit: str = "bytes"
    note: str = ""

    @property
    def fraction(self) -> float:
        """0..1; 0 while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


Report = Callable[[Progress], None]


def no_report(progress: Progress) -> None:
    """For callers that do not want to know."""


class Cancel:
    """A flag that can be set from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Tell the work to stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the work was told to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises CancelledError if the work was told to stop."""
        if self._event.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Sleep, but not longer than until the work is told to stop. Raises CancelledError then."""
        if self._event.wait(seconds):
            raise CancelledError
