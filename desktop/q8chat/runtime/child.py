"""The engine's process: requests on stdin, events on stdout, one JSON line each; native noise on stderr.

Two threads: this one computes, the other one reads. The reader makes Stop immediate, and ends the process the
moment stdin closes, which is how the engine dies with the window even when that was killed with -9.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import BinaryIO

from q8chat.core.errors import Q8Error
from q8chat.runtime.engine import Engine
from q8chat.runtime.messages import Event, Failed, Generate, Load, Request, Stop, UseTemplate, Wire


@contextlib.contextmanager
def _last_of_the_process() -> Iterator[None]:
    """When the body ends, the process ends, whatever its other thread does; what was raised goes to the log."""
    code = 1
    try:
        yield
        code = 0
    except BrokenPipeError:
        code = 0  # nobody listens any more
    finally:
        if code:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)


class _Child:
    def __init__(self, requests: BinaryIO, events: BinaryIO) -> None:
        self._requests, self._events = requests, events
        self._queue: queue.Queue[Request] = queue.Queue()
        self._engine = Engine(self.emit)
        self._lock = threading.Lock()
        self._current: int | None = None  # answer being generated
        self._cancelled: set[int] = set()

    def emit(self, event: Event) -> None:
        self._events.write(Wire.encode(event))

    def read(self) -> None:
        """Body of the reading thread."""
        with _last_of_the_process():
            for line in self._requests:
                request = Wire.decode(line)
                if isinstance(request, Stop):
                    self._stop(request.id)
                else:
                    self._queue.put(request)

    def _stop(self, answer: int) -> None:
        with self._lock:
            self._cancelled.add(answer)
            if self._current == answer:
                self._engine.cancel(True)

    def run(self) -> None:
        """Serve requests for ever; the reading thread ends the process."""
        while True:
            request = self._queue.get()
            answer = request.id if isinstance(request, Generate) else None
            try:
                self._serve(request)
            except Q8Error as e:
                self.emit(Failed(answer, e.code, e.message, e.hint))

    def _serve(self, request: Request) -> None:
        if isinstance(request, Load):
            self._engine.load(request)
        elif isinstance(request, UseTemplate):
            self._engine.use_template(request.template)
        elif isinstance(request, Generate):
            with self._lock:
                self._current = request.id
                self._engine.cancel(request.id in self._cancelled)
            try:
                self._engine.generate(request)
            finally:
                with self._lock:
                    self._current = None
                    self._cancelled.discard(request.id)


def main() -> None:
    """Entry point of the child role."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the application, which sends Stop
    # llama.cpp may print to stdout; the events keep the real one to themselves.
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    child = _Child(sys.stdin.buffer, events)
    threading.Thread(target=child.read, name="requests", daemon=True).start()
    with _last_of_the_process():
        child.run()
