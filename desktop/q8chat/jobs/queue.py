"""The queue of jobs: it outlives the application, and any number of windows may look at it; one runs it."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from q8chat.core import paths
from q8chat.core.errors import JobError, Q8Error
from q8chat.jobs import wire
from q8chat.jobs.book import JobBook
from q8chat.jobs.kinds import KINDS, Kind
from q8chat.jobs.runner import Runner
from q8chat.jobs.store import Action, JobStore, Request
from q8chat.jobs.types import JobRecord

POLL = 1.0  # seconds between two looks at what other windows do
FAREWELL = 2.0  # seconds that killed processes are waited for at the end


class JobQueue:
    """All methods return at once; the work is done on a thread of the queue, which also makes the callbacks.

    The first application to come runs the jobs. Others show them and pass on what their user wants; one of them
    takes over when the first ends. Jobs that were running or waiting go on by themselves after a start.
    """

    def __init__(
        self,
        on_changed: Callable[[JobRecord], None],
        on_removed: Callable[[str], None],
        on_problem: Callable[[Q8Error], None],
        *,
        kinds: Mapping[str, Kind] = KINDS,
        folder: Path | None = None,
    ) -> None:
        self._store = JobStore(folder or paths.data_dir() / "jobs", kinds)
        self._book = JobBook(self._store, on_changed, on_removed, on_problem)
        self._kinds, self._on_problem = kinds, on_problem
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = FileLock(self._store.folder / "queue.lock")
        self._runner: Runner | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Read the records and go on with them."""
        self._thread.start()

    def close(self) -> None:
        """End all processes and the thread; what was running goes on with the next start."""
        self._inbox.put(self._stop)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def records(self) -> list[JobRecord]:
        """All jobs, oldest first."""
        return self._book.records()

    @property
    def runs_jobs(self) -> bool:
        """Whether this application is the one that runs the jobs."""
        return self._runner is not None

    def submit(self, kind: str, title: str, params: dict[str, Any]) -> str:
        """Add a job; returns its id. `params`: what the kind's `run` takes, Structs and paths too.

        Raises KeyError for an unknown kind, TypeError for params that can't be kept, and JobError for a path that
        is no valid text.
        """
        _, plain = self._kinds[kind], wire.as_object(params)
        job = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        record = JobRecord(job, kind, title, plain, created=time.time())
        try:
            wire.encode(record)
        except UnicodeEncodeError as e:
            what = f"{title!a} has a file name that is no valid text, so it can't be kept."
            raise JobError(what, "Rename the file, then try again.") from e
        self._inbox.put(lambda: self._add(record))
        return job

    def act(self, job: str, action: Action) -> None:
        """Pause, resume, cancel, retry or clear a job. What does not fit the job's state does nothing."""
        self._inbox.put(lambda: self._act(job, action))

    def clear_finished(self) -> None:
        """Forget everything that is done or cancelled."""
        for record in self.records():
            if record.is_finished and record.error is None:
                self.act(record.id, "clear")

    # ---- on the queue's thread ---------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._store.prepare()
        except OSError as e:
            self._unusable(e)
            return
        next_look = 0.0
        while not self._closing:
            if (now := time.monotonic()) >= next_look:
                self._look()
                next_look = now + POLL
            with suppress(queue.Empty):
                self._inbox.get(timeout=max(0.0, next_look - time.monotonic()))()
        self._lock.release()

    def _unusable(self, error: OSError) -> None:
        hint = "Check that the data folder is yours and writable, then start Q8 Chat again."
        what = f"The list of downloads in {self._store.folder} can't be used: {error.strerror or error}."
        self._on_problem(JobError(what, hint))

    def _look(self) -> None:
        """At what other windows did; and whether it is on us to run the jobs."""
        if self._runner is None:
            self._book.read_all()
            self._take_over()
        else:
            self._book.read_new()
            for request in self._store.take_requests():
                self._runner.act(request.job, request.action)
            self._runner.check_network()
            self._runner.schedule()

    def _take_over(self) -> None:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return
        except OSError as e:
            self._unusable(e)
            self._closing = True
            return
        self._book.read_all()  # what the other wrote last
        self._runner = Runner(self._book, self._kinds, self._inbox.put)
        self._runner.check_network()
        self._runner.adopt()

    def _add(self, record: JobRecord) -> None:
        self._book.change(record)
        if self._runner is not None:
            self._runner.schedule()

    def _act(self, job: str, action: Action) -> None:
        if self._runner is not None:
            self._runner.act(job, action)
            return
        try:
            self._store.ask(Request(job, action))
        except Q8Error as e:
            self._on_problem(e)
        except OSError as e:
            self._on_problem(JobError(f"{e.filename} could not be written: {e.strerror}.", "Try again."))

    def _stop(self) -> None:
        self._closing = True
        if self._runner is None:
            return
        self._book.save_all()
        self._runner.kill_all()
        end = time.monotonic() + FAREWELL
        while not self._runner.idle and (left := end - time.monotonic()) > 0:
            try:
                self._inbox.get(timeout=left)()
            except queue.Empty:
                return
