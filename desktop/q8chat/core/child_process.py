"""Child processes of ours, seen from the application: start one, talk to it in lines, know why it ended.

The other side is `core.child_side`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

LOG_TAIL = 4096  # bytes of a child's log looked at for the reason of a crash
_ENVIRONMENT = {"PYTHONUTF8": "1", "PYTHONFAULTHANDLER": "", "GGML_NO_BACKTRACE": "1"}
_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "a native library gave up",
    signal.SIGSEGV: "a native library crashed (invalid memory access)",
    signal.SIGBUS: "a file vanished or shrank while it was in use, or memory failed (SIGBUS)",
    signal.SIGKILL: "it was killed from outside, most likely because the machine ran out of memory",
    signal.SIGILL: "it uses instructions that this CPU does not have; run packaging/run.sh to build it anew",
    signal.SIGTERM: "it was asked to end by another program",
}
T = TypeVar("T")


def command(*arguments: str) -> list[str]:
    """The command line that runs this application with `arguments`; a frozen one has no `-m`."""
    module = [] if getattr(sys, "frozen", False) else ["-m", "q8chat"]
    return [sys.executable, *module, *arguments]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended. code: as of subprocess; said: the last words in its log, if it had any."""

    code: int
    nonsense: bool  # it was ended because it said something that can't be decoded
    said: str
    expected: bool  # we closed it

    def describe(self, signals: Mapping[int, str] | None = None) -> str:
        """What happened, to follow "The … stopped: ". `signals` has better words for some signals."""
        if self.nonsense:
            what = "it said something that can't be understood"
        elif self.code < 0:
            words = {**_SIGNALS, **(signals or {})}
            what = words.get(-self.code, f"it was ended by signal {-self.code}")
        else:
            what = f"it ended by itself (exit code {self.code})"
        return f"{what} ({self.said})" if self.said else what


class ChildProcess(Generic[T]):
    """A running child. Its messages and then, exactly once, its ending arrive on a thread of this object."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        decode: Callable[[bytes], T],
        on_message: Callable[[T], None],
        on_end: Callable[[Ending], None],
        *,
        environment: Mapping[str, str] | None = None,
        keep_log: bool = False,
    ) -> None:
        """Start it; its stderr goes to `log`, after what a kept log has already.

        `decode` raises ValueError for a line that is no message.
        Raises OSError.
        """
        self._decode, self._on_message, self._on_end = decode, on_message, on_end
        self._log, self._keep_log = log, keep_log
        self._closing = False
        self._write_lock = threading.Lock()
        with log.open("ab" if keep_log else "wb") as stderr:
            self.process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **_ENVIRONMENT, **(environment or {})},
            )
        self._reader = threading.Thread(target=self._read, name=f"{log.stem} events", daemon=True)
        self._reader.start()

    def send(self, line: bytes) -> None:
        """Write a line; a dead child swallows it (its ending was or will be reported)."""
        assert self.process.stdin
        try:
            with self._write_lock:
                self.process.stdin.write(line)
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def kill(self) -> None:
        """End the process without waiting for that: one stuck on a vanished disk may take its time."""
        self._closing = True
        self.process.kill()

    def close(self) -> None:
        """End the process at once; returns when it is gone and its ending was reported."""
        self.kill()
        self.process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout and self.process.stdin
        nonsense = False
        for line in self.process.stdout:
            try:
                message = self._decode(line)
            except ValueError:  # the last line of a process that died while writing it, or of no child of ours
                nonsense = line.endswith(b"\n")
                self.process.kill()
                break
            self._on_message(message)
        code = self.process.wait()
        with self._write_lock:
            self.process.stdin.close()
        self.process.stdout.close()
        said = "" if self._closing else last_words(self._log)
        if not self._keep_log:
            self._log.unlink(missing_ok=True)
        self._on_end(Ending(code, nonsense, said, self._closing))


def last_words(log: Path) -> str:
    """The assertion or exception at the end of a child's log, if there is one."""
    try:
        with log.open("rb") as f:
            f.seek(max(0, log.stat().st_size - LOG_TAIL))
            lines = f.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if "GGML_ASSERT" in line or "GGML_ABORT" in line or "what():" in line or "Error" in line:
            return re.sub(r"^\S*/", "", line.split("what():")[-1].strip())  # without the folder of the source
    return ""
