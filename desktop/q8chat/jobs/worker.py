"""The application's side of the worker: one child process that answers short calls to disk, network and headers.

So the window never waits for any of them and never imports what they need.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from q8chat.core import paths
from q8chat.core.child_process import ChildProcess, Ending, command
from q8chat.core.errors import JobError, Q8Error, from_code
from q8chat.core.progress import Report, no_report
from q8chat.jobs import calling, wire
from q8chat.jobs.methods import METHODS
from q8chat.jobs.wire import Call, CallFailed, Drop, FromWorker, Result, ToWorker, Update

_AGAIN = "Try again; it is started anew for that."
_numbers = itertools.count(1)


@dataclass(slots=True)
class _Pending:
    target: str
    on_result: Callable[[Any], None]
    on_error: Callable[[Q8Error], None]
    on_progress: Report
    sent: bool = False


class CallHandle:
    """One call under way."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker, self._number = worker, number

    def cancel(self) -> None:
        """Nothing arrives any more; the function called is told to stop. Harmless when it is over."""
        self._worker.drop(self._number)


class Worker:
    """Starts its process with the first call, and anew with the first call after it died.

    Callbacks run on threads of this object. Calls do not wait for each other.
    """

    def __init__(self, methods: Mapping[str, str] = METHODS) -> None:
        self._methods = methods
        self._lock = threading.Lock()
        self._pending: dict[int, _Pending] = {}
        self._ids = itertools.count(1)
        self._child: ChildProcess[FromWorker] | None = None
        self._outgoing: queue.Queue[ToWorker | None] = queue.Queue()
        self._writer: threading.Thread | None = None
        self._closed = False

    def call(
        self,
        method: str,
        params: dict[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Q8Error], None],
        on_progress: Report = no_report,
    ) -> CallHandle:
        """Call a method of the registry with these keyword arguments; returns at once.

        One of `on_result` and `on_error` is called later, once, unless the call is cancelled or the worker closed.
        """
        target, encoded = self._methods[method], msgspec.Raw(wire.encode(params))
        number = next(self._ids)
        with self._lock:
            self._pending[number] = _Pending(target, on_result, on_error, on_progress)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="worker calls", daemon=True)
                self._writer.start()
        self._outgoing.put(Call(number, target, encoded))
        return CallHandle(self, number)

    def drop(self, number: int) -> None:
        """Forget a call, see CallHandle.cancel."""
        with self._lock:
            known = self._pending.pop(number, None)
        if known is not None and known.sent:
            self._outgoing.put(Drop(number))

    def close(self) -> None:
        """End the process; no callback comes after this returns, pending calls are forgotten."""
        with self._lock:
            self._closed = True
            self._pending.clear()
            child, writer = self._child, self._writer
        self._outgoing.put(None)
        if child is not None:
            child.close()
        if writer is not None and writer is not threading.current_thread():
            writer.join()

    # ---- sending -----------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while (message := self._outgoing.get()) is not None:
            self._send(message)

    def _send(self, message: ToWorker) -> None:
        try:
            child = self._ready(message)
        except OSError as e:
            with self._lock:
                call = self._pending.pop(message.id, None)
            if call is not None:
                call.on_error(JobError(f"The helper process could not be started: {e.strerror}.", "Try again."))
            return
        if child is not None:
            child.send(wire.line(message))

    def _ready(self, message: ToWorker) -> ChildProcess[FromWorker] | None:
        """The process to send this to; None if nobody wants it sent any more. Raises OSError."""
        with self._lock:
            if self._closed:
                return None
            if isinstance(message, Drop):
                return self._child
            if (call := self._pending.get(message.id)) is None:
                return None
            if self._child is None:
                log = paths.log_dir() / f"worker-{os.getpid()}-{next(_numbers)}.log"
                self._child = ChildProcess(command("worker"), log, _decode, self._on_message, self._on_end)
            call.sent = True
            return self._child

    # ---- receiving ---------------------------------------------------------------------------------------------

    def _on_message(self, message: FromWorker) -> None:
        with self._lock:
            if isinstance(message, Update):
                call = self._pending.get(message.id)
            else:
                call = self._pending.pop(message.id, None)
        if call is None:  # cancelled meanwhile
            return
        if isinstance(message, Update):
            call.on_progress(message.progress)
        elif isinstance(message, CallFailed):
            call.on_error(from_code(message.code, message.message, message.hint))
        else:
            self._deliver(call, message)

    def _deliver(self, call: _Pending, message: Result) -> None:
        try:
            value = wire.decode(message.value, calling.types_of(call.target)["return"])
        except ValueError as e:
            call.on_error(JobError(f"The helper process answered something unexpected: {e}.", _AGAIN))
            return
        call.on_result(value)

    def _on_end(self, ending: Ending) -> None:
        with self._lock:
            self._child = None
            lost = [number for number, call in self._pending.items() if call.sent]
            calls = [self._pending.pop(number) for number in lost]
        for call in calls:
            call.on_error(JobError(f"The helper process stopped: {ending.describe()}.", _AGAIN))


def _decode(data: bytes) -> FromWorker:
    message: FromWorker = wire.decode(data, FromWorker)
    return message
