"""What the set-up says while it works, and how it says that it can't."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

REDRAW_SECONDS = 0.5
PLAIN_LINE_SECONDS = 15.0


class SetUpError(Exception):
    """The set-up can't go on; the text says what happened and what to do now."""


def duration(seconds: float) -> str:
    """`5 s` or `2 min 10 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Status:
    """One step's state: a line that is redrawn in a terminal, a plain line now and then elsewhere."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._tty = self._stream.isatty()
        self._started = self._shown = time.monotonic()
        self._title = title
        self._show(title, f"{title} ...")

    def update(self, text: str) -> None:
        """Show `text` with the time taken so far, if it is time to show something."""
        now = time.monotonic()
        if now - self._shown < (REDRAW_SECONDS if self._tty else PLAIN_LINE_SECONDS):
            return
        self._shown = now
        line = f"{text}, {duration(now - self._started)}"
        self._show(line, f"  {line}")

    def done(self) -> None:
        """Leave one line that says how long it took."""
        took = duration(time.monotonic() - self._started)
        self._write(f"\r\033[K{self._title}: done, {took}\n" if self._tty else f"  done, {took}\n")

    def failed(self) -> None:
        """End a half-drawn line, so that the error begins on its own."""
        if self._tty:
            self._write("\n")

    def _show(self, redrawn: str, plain: str) -> None:
        """`redrawn` must stay on one line: a wrapped one can't be drawn over."""
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r\033[K{redrawn[:width]}" if self._tty else f"{plain}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
