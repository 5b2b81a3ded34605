"""The queue of jobs as Qt signals and slots."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from q8chat.chat.events import Problem

if TYPE_CHECKING:  # imported when the queue is started, after the window is there
    from q8chat.jobs.kinds import Kind
    from q8chat.jobs.queue import JobQueue
    from q8chat.jobs.types import JobRecord


class JobOperations(QObject):
    """The jobs of this user. `changed` brings new and changed ones, at most ten times a second for each."""

    changed = Signal(object)  # JobRecord
    removed = Signal(str)
    problem = Signal(Problem)
    _arrived = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, kinds: Mapping[str, Kind] | None = None) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._queue: JobQueue | None = None
        self._starter: threading.Thread | None = None
        self._closed = False
        self._records: dict[str, JobRecord] = {}
        self._arrived.connect(self._dispatch, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Read the records and go on with what is unfinished. Only the first call does something."""
        if self._starter is None and not self._closed:
            self._starter = threading.Thread(target=self._start, name="start of the jobs")
            self._starter.start()

    def _start(self) -> None:
        """On a thread of its own, because of what is imported."""
        from q8chat.jobs.kinds import KINDS
        from q8chat.jobs.queue import JobQueue

        self._queue = JobQueue(
            lambda record: self._arrived.emit(self.changed, record),
            lambda job: self._arrived.emit(self.removed, job),
            lambda error: self._arrived.emit(self.problem, Problem(error.code, error.message, error.hint)),
            kinds=KINDS if self._kinds is None else self._kinds,
        )
        self._queue.start()

    def records(self) -> list[JobRecord]:
        """All jobs that `changed` has told of, oldest first."""
        return [self._records[job] for job in sorted(self._records)]

    def submit(self, kind: str, title: str, params: dict[str, Any]) -> str:
        """Add a job; returns its id. `params` is a plain JSON object with what `kind` needs (see `jobs.kinds`)."""
        return self._running().submit(kind, title, params)

    def pause(self, job: str) -> None:
        """Stop it for now; it stays stopped until it is resumed, also after a restart."""
        self._running().act(job, "pause")

    def resume(self, job: str) -> None:
        """Go on with a paused job."""
        self._running().act(job, "resume")

    def cancel(self, job: str) -> None:
        """Stop it and remove what it left behind."""
        self._running().act(job, "cancel")

    def retry(self, job: str) -> None:
        """Try a failed or cancelled job again."""
        self._running().act(job, "retry")

    def clear(self, job: str) -> None:
        """Forget a finished job; what a failed one left behind is removed."""
        self._running().act(job, "clear")

    def clear_finished(self) -> None:
        """Forget all jobs that are done or cancelled; failed ones stay until they are cleared one by one."""
        self._running().clear_finished()

    def close(self) -> None:
        """End the jobs' processes; they go on with the next start."""
        self._closed = True
        if self._starter is not None:
            self._starter.join()
        if self._queue is not None:
            self._queue.close()

    def _running(self) -> JobQueue:
        self.start()
        if self._starter is not None:
            self._starter.join()
        assert self._queue is not None, "closed"
        return self._queue

    @Slot(object, object)
    def _dispatch(self, signal: Any, news: JobRecord | str | Problem) -> None:
        if isinstance(news, str):
            self._records.pop(news, None)
        elif not isinstance(news, Problem):
            self._records[news.id] = news
        signal.emit(news)
