"""The engine's process: requests on stdin, events on stdout, one JSON line each; native noise on stderr.

Two threads: this one computes, the other one reads. The reader makes Stop immediate, and ends the process the
moment stdin closes, which is how the engine dies with the window even when that was killed with -9.
"""

from __future__ import annotations

import queue
import threading
from typing import BinaryIO

from q8chat.core import child_side
from q8chat.core.errors import Q8Error
from q8chat.runtime.engine import Engine
from q8chat.runtime.messages import Event, Failed, Generate, Load, Request, Stop, UseTemplate, Wire


class _Child:
    def __init__(self, events: BinaryIO) -> None:
        self._events = events
        self._queue: queue.Queue[Request] = queue.Queue()
        self._engine = Engine(self.emit)
        self._lock = threading.Lock()
        self._current: int | None = None  # answer being generated
        self._cancelled: set[int] = set()

    def emit(self, event: Event) -> None:
        self._events.write(Wire.encode(event))

    def take(self, line: bytes) -> None:
        """A request, on the reading thread."""
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
    child = _Child(child_side.open_events())
    child_side.read_requests(child.take)
    with child_side.last_of_the_process():
        child.run()
