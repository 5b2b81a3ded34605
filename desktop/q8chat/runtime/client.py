"""The application's side of the engine process: start it, talk to it, know why it died."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from q8chat.core import paths
from q8chat.core.errors import EngineError
from q8chat.runtime.messages import Died, Event, Request, Wire

# Spins of libgomp before a waiting thread sleeps in the kernel. Long enough for the gap between two tokens, so that
# no thread has to be woken for each; a tenth of libgomp's default, which costs more when another program holds the
# core waited for, until the governor has noticed. Measured: see "Under load" in the README.
SPIN_COUNT = "30000"
LOG_TAIL = 4096  # bytes of the engine's log looked at for the reason of a crash

_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "llama.cpp gave up",
    signal.SIGSEGV: "llama.cpp crashed (invalid memory access)",
    signal.SIGBUS: "the model's file vanished or shrank while it was in use, or memory failed (SIGBUS)",
    signal.SIGKILL: "it was killed from outside, most likely because the machine ran out of memory",
    signal.SIGILL: "it uses instructions that this CPU does not have; run packaging/run.sh to build it anew",
    signal.SIGTERM: "it was asked to end by another program",
    signal.SIGALRM: "the model's chat template does not come to an end; choose a built-in one",
}
_numbers = itertools.count(1)


def command(role: str) -> list[str]:
    """Command line of a child process of ours; a frozen application has no `-m`."""
    return [sys.executable, role] if getattr(sys, "frozen", False) else [sys.executable, "-m", "q8chat", role]


class EngineClient:
    """One engine process. Events arrive at `on_event` on a thread of the client's; the last one is always Died."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        """Start the process. Raises EngineError if that is impossible."""
        self._on_event = on_event
        self._closing = False
        self._write_lock = threading.Lock()
        env = dict(os.environ, GGML_NO_BACKTRACE="1", PYTHONUTF8="1", PYTHONFAULTHANDLER="")
        if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & env.keys():
            env["GOMP_SPINCOUNT"] = SPIN_COUNT
        try:
            self._log = paths.log_dir() / f"engine-{os.getpid()}-{next(_numbers)}.log"
            with self._log.open("wb") as log:
                self.process = subprocess.Popen(
                    command("engine"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env
                )
        except OSError as e:
            raise EngineError(f"The engine could not be started: {e.strerror}.", "Try again.") from e
        self._reader = threading.Thread(target=self._read, name="engine events", daemon=True)
        self._reader.start()

    def send(self, request: Request) -> None:
        """Queue a request; a dead engine swallows it (Died was or will be reported)."""
        assert self.process.stdin
        try:
            with self._write_lock:
                self.process.stdin.write(Wire.encode(request))
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def close(self) -> None:
        """End the process at once; returns when it is gone."""
        self._closing = True
        self.process.kill()
        self.process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout and self.process.stdin
        nonsense = False
        for line in self.process.stdout:
            try:
                event = Wire.decode(line)
            except ValueError:  # the last line of a process that died while writing it, or of no engine of ours
                nonsense = line.endswith(b"\n")
                self.process.kill()
                break
            self._on_event(event)
        code = self.process.wait()
        with self._write_lock:
            self.process.stdin.close()
        self.process.stdout.close()
        reason = "" if self._closing else self._reason(code, nonsense)
        self._log.unlink(missing_ok=True)
        self._on_event(Died(reason, self._closing))

    def _reason(self, code: int, nonsense: bool) -> str:
        said = _last_words(self._log)
        if nonsense:
            what = "it said something that can't be understood"
        elif code < 0:
            what = _SIGNALS.get(-code, f"it was ended by signal {-code}")
        else:
            what = f"it ended by itself (exit code {code})"
        return f"The engine stopped: {what}{f' ({said})' if said else ''}."


def _last_words(log: Path) -> str:
    """The assertion or exception at the end of the engine's log, if there is one."""
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
