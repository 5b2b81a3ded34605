"""The records in memory and on disk, and the news about them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from q8chat.core.errors import JobError, Q8Error
from q8chat.jobs.store import JobStore, Stamp
from q8chat.jobs.types import JobProgress, JobRecord, JobState

SAVE_SECONDS = 5.0  # between two writes of a job's mere progress
KEPT = 100  # finished jobs


class JobBook:
    """Changed on one thread; `records` may be asked on any. `on_problem` hears of a disk that can't be written."""

    def __init__(
        self,
        store: JobStore,
        on_changed: Callable[[JobRecord], None],
        on_removed: Callable[[str], None],
        on_problem: Callable[[Q8Error], None],
    ) -> None:
        self.store = store
        self._on_changed, self._on_removed, self._on_problem = on_changed, on_removed, on_problem
        self._lock = threading.Lock()
        self._records: dict[str, JobRecord] = {}
        self._stamps: dict[str, Stamp] = {}
        self._saved: dict[str, float] = {}
        self._trouble = False  # with the last write: said once, not with every job

    def records(self) -> list[JobRecord]:
        """All jobs, oldest first."""
        with self._lock:
            return [self._records[job] for job in sorted(self._records)]

    def get(self, job: str) -> JobRecord | None:
        """One job, if there is one."""
        return self._records.get(job)

    def change(self, record: JobRecord, **changes: Any) -> JobRecord:
        """Take a new or changed record, tell and save it; returns it."""
        record = msgspec.structs.replace(record, **changes)
        self._take(record)
        self._save(record)
        return record

    def progress(self, record: JobRecord, progress: JobProgress) -> None:
        """Only the progress changed: told at once, saved now and then."""
        record = msgspec.structs.replace(record, progress=progress)
        self._take(record)
        if time.monotonic() - self._saved.get(record.id, 0.0) >= SAVE_SECONDS:
            self._save(record)

    def remove(self, job: str) -> None:
        """Forget a job."""
        try:
            self.store.delete(job)
        except OSError as e:
            self._on_problem(JobError(f"{e.filename} could not be removed: {e.strerror}."))
        self._drop(job)

    def save_all(self) -> None:
        """Write down how far everything is."""
        for record in self.records():
            if not record.is_finished:
                self._save(record)

    def read_new(self) -> list[JobRecord]:
        """Take records that another window has added."""
        new = [job for job in self.store.stamps() if job not in self._records]
        found = [record for record in map(self.store.read, new) if record is not None]
        for record in found:
            self._take(record)
        return found

    def read_all(self) -> None:
        """Take what is on disk now, changed by whichever window runs the jobs."""
        stamps = self.store.stamps()
        for job in self._records.keys() - stamps.keys():
            self._drop(job)
        for job, stamp in stamps.items():
            if self._stamps.get(job) != stamp and (record := self.store.read(job)) is not None:
                self._take(record)
        self._stamps = stamps

    def trim(self) -> None:
        """Forget the oldest of too many finished jobs; failed ones stay, they may be tried again."""
        finished = [r for r in self.records() if r.state in (JobState.DONE, JobState.CANCELLED)]
        for record in finished[:-KEPT]:
            self.remove(record.id)

    def _take(self, record: JobRecord) -> None:
        with self._lock:
            self._records[record.id] = record
        self._on_changed(record)

    def _drop(self, job: str) -> None:
        with self._lock:
            known = self._records.pop(job, None)
        self._saved.pop(job, None)
        if known is not None:
            self._on_removed(job)

    def _save(self, record: JobRecord) -> None:
        self._saved[record.id] = time.monotonic()
        trouble: Q8Error | None = None
        try:
            self.store.save(record)
        except Q8Error as e:
            trouble = e
        except OSError as e:
            hint = "Check that the data folder is yours and writable; until then a restart forgets the downloads."
            trouble = JobError(f"{e.filename} could not be written: {e.strerror}.", hint)
        if trouble is not None and not self._trouble:
            self._on_problem(trouble)
        self._trouble = trouble is not None
