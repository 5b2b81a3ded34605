"""The worker's process: every call on a thread of its own, so that one that hangs stops no other."""

from __future__ import annotations

import threading
from typing import Any, BinaryIO

import msgspec

from q8chat.core import child_side
from q8chat.core.errors import JobError, Q8Error
from q8chat.core.progress import Cancel, CancelledError
from q8chat.jobs import calling, wire
from q8chat.jobs.reporter import Coalesced
from q8chat.jobs.wire import Call, CallFailed, FromWorker, Result, ToWorker, Update


class _Child:
    def __init__(self, events: BinaryIO) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._running: dict[int, Cancel] = {}

    def take(self, line: bytes) -> None:
        """A request, on the reading thread."""
        request = wire.decode(line, ToWorker)
        if isinstance(request, Call):
            cancel = self._running[request.id] = Cancel()
            threading.Thread(target=self._serve, args=(request, cancel), name=request.target, daemon=True).start()
        elif request.id in self._running:
            self._running[request.id].set()

    def _emit(self, event: FromWorker) -> None:
        line = wire.line(event)
        with self._lock:
            child_side.write_all(self._events, line)

    def _serve(self, call: Call, cancel: Cancel) -> None:
        """Answer exactly once, also when the function has a defect (which goes to the log); not if cancelled."""
        what = "The helper process met a defect in itself."
        answer: FromWorker | None = CallFailed(call.id, JobError.code, what, "Please report it.")
        try:
            with Coalesced(lambda p: self._emit(Update(call.id, p))) as report:
                given = {"progress": report, "cancel": cancel}
                value = calling.run(call.target, wire.decode(call.params, dict[str, Any]), given)
            answer = Result(call.id, msgspec.Raw(wire.encode(value)))
        except Q8Error as e:
            answer = CallFailed(call.id, e.code, e.message, e.hint)
        except OSError as e:
            answer = CallFailed(call.id, JobError.code, f"{e.filename or 'The disk'}: {e.strerror or e}.", "")
        except CancelledError:
            answer = None
        finally:
            self._running.pop(call.id, None)
            if answer is not None:
                self._emit(answer)


def main() -> None:
    """Entry point of the child role: the reading thread ends the process."""
    child = _Child(child_side.open_events())
    child_side.read_requests(child.take)
    threading.Event().wait()
