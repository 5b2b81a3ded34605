"""The application's side of the engine process: start it, talk to it, know why it died."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable

from q8chat.core import paths
from q8chat.core.child_process import ChildProcess, Ending, command
from q8chat.core.errors import EngineError
from q8chat.runtime.messages import Died, Event, Request, Wire

_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "llama.cpp gave up",
    signal.SIGSEGV: "llama.cpp crashed (invalid memory access)",
    signal.SIGBUS: "the model's file vanished or shrank while it was in use, or memory failed (SIGBUS)",
    signal.SIGALRM: "the model's chat template does not come to an end; choose a built-in one",
}
_numbers = itertools.count(1)


class EngineClient:
    """One engine process. Events arrive at `on_event` on a thread of the client's; the last one is always Died."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        """Start the process. Raises EngineError if that is impossible."""
        self._on_event = on_event
        try:
            log = paths.log_dir() / f"engine-{os.getpid()}-{next(_numbers)}.log"
            self._child: ChildProcess[Event] = ChildProcess(
                command("engine"), log, Wire.decode, on_event, self._end
            )
        except OSError as e:
            raise EngineError(f"The engine could not be started: {e.strerror}.", "Try again.") from e
        self.process = self._child.process

    def send(self, request: Request) -> None:
        """Queue a request; a dead engine swallows it (Died was or will be reported)."""
        self._child.send(Wire.encode(request))

    def close(self) -> None:
        """End the process at once; returns when it is gone."""
        self._child.close()

    def _end(self, ending: Ending) -> None:
        reason = "" if ending.expected else f"The engine stopped: {ending.describe(_SIGNALS)}."
        self._on_event(Died(reason, ending.expected))
