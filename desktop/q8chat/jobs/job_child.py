"""A job's process: one function, from one line on stdin to its result; killed when the job is paused."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from q8chat.core import child_side
from q8chat.core.errors import JobError, Q8Error
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.jobs import calling, wire
from q8chat.jobs.pace import Pace
from q8chat.jobs.reporter import Coalesced
from q8chat.jobs.types import JobProgress
from q8chat.jobs.wire import FromJob, JobDone, JobFailed, JobUpdate, Start

PATIENCE = 1.0  # seconds before it is said that another process is waited for
WAITING = "Waiting for another process that is still at this"


def _log(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)  # stdout is the log, see open_events


class _Job:
    def __init__(self, events: BinaryIO) -> None:
        self._events = events
        self._pace = Pace()

    def emit(self, event: FromJob) -> None:
        child_side.write_all(self._events, wire.line(event))

    def update(self, progress: Progress) -> None:
        self.emit(JobUpdate(self._pace.update(time.monotonic(), progress)))

    def lock(self, path: str) -> FileLock:
        """Holds the job, for as long as this process lives. The one before may not be quite gone yet."""
        lock = FileLock(path)
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            self.emit(JobUpdate(JobProgress(note=WAITING)))
            lock.acquire()
        return lock

    def run(self, start: Start) -> None:
        """Do it and say how it ended. A defect ends the process with a traceback in the log."""
        try:
            with Coalesced(self.update, repeat=True) as report:
                given = {"progress": _noted(report), "cancel": Cancel()}
                result = calling.run(start.target, start.params, given, pick=start.pick)
            self.emit(JobDone(wire.as_object(result)))
            _log("Done.")
        except Q8Error as e:
            _log(f"Failed: {e}")
            self.emit(JobFailed(e.code, e.message, e.hint))
        except OSError as e:
            _log(f"Failed: {e}")
            self.emit(JobFailed(JobError.code, f"{e.filename or 'The disk'}: {e.strerror or e}.", "Try again."))


def _noted(report: Report) -> Callable[[Progress], Any]:
    """`report` that also logs every new note."""
    last = ""

    def note(progress: Progress) -> None:
        nonlocal last
        if progress.note and progress.note != last:
            last = progress.note
            _log(f"{progress.note} ({progress.done} of {progress.total or '?'} {progress.unit})")
        report(progress)

    return note


def main() -> None:
    """Entry point of the child role."""
    job = _Job(child_side.open_events())
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    child_side.read_requests(lines.put)
    with child_side.last_of_the_process():
        start = wire.decode(lines.get(), Start)
        lock = job.lock(start.lock)
        _log(f"Started: {start.target}")
        job.run(start)
        lock.release()
