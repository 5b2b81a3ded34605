"""Runs the jobs: which may start, and what becomes of them when they end. All on the queue's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from q8chat.core import paths
from q8chat.core.errors import JobError, OfflineError
from q8chat.hub.client import is_offline
from q8chat.jobs.book import JobBook
from q8chat.jobs.job_process import JobProcess
from q8chat.jobs.kinds import LANES, Kind
from q8chat.jobs.store import Action
from q8chat.jobs.types import JobFailure, JobProgress, JobRecord, JobState
from q8chat.jobs.wire import Start

OFFLINE_NOTE = "Waiting until offline mode is off"
_DISCARD_LANE, _DISCARDS = "discard", 2


class Runner:
    """`post` hands a callable to the queue's thread."""

    def __init__(
        self, book: JobBook, kinds: Mapping[str, Kind], post: Callable[[Callable[[], None]], None]
    ) -> None:
        self._book, self._kinds, self._post = book, kinds, post
        self._runs: dict[str, JobProcess] = {}
        self._stopping = self._offline = False
        self._forget: set[str] = set()  # cleared as soon as what they left behind is removed
        self._actions: dict[Action, Callable[[JobRecord], None]] = {
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "retry": self._retry,
            "clear": self._clear,
        }

    def adopt(self) -> None:
        """Go on with what an earlier process was doing."""
        for record in self._book.records():
            if record.state == JobState.RUNNING:
                self._book.change(record, state=JobState.QUEUED)
        self.schedule()

    def act(self, job: str, action: Action) -> None:
        """Do what the user wants if the job is still in a state for it."""
        if (record := self._book.get(job)) is not None:
            self._actions[action](record)
            self.schedule()

    def check_network(self) -> None:
        """In offline mode jobs that use the network wait, also those that were running; then they go on."""
        offline = is_offline()
        if offline == self._offline:
            return
        self._offline = offline
        for record in self._book.records():
            if offline and record.state == JobState.RUNNING and self._kinds[record.kind].lane == "network":
                self._kill(record.id)
                self._book.change(record, state=JobState.QUEUED, progress=_standing(record.progress))
        self.schedule()

    def schedule(self) -> None:
        """Start what may run, oldest first."""
        for record in self._book.records():
            if self._stopping or record.id in self._runs:
                continue
            kind = self._kinds[record.kind]
            if record.state == JobState.CANCELLING:
                if self._free(_DISCARD_LANE, _DISCARDS):
                    self._start(record, _DISCARD_LANE, kind.discard)
            elif record.state == JobState.QUEUED and self._waits(record, kind):
                continue
            elif record.state == JobState.QUEUED and self._free(kind.lane, LANES[kind.lane]):
                self._start(self._book.get(record.id) or record, kind.lane, kind.run)

    def _waits(self, record: JobRecord, kind: Kind) -> bool:
        """Whether it waits for the network; it says so while it does."""
        waits = kind.lane == "network" and is_offline()
        if waits != (record.progress.note == OFFLINE_NOTE):
            standing = _standing(record.progress)
            note = OFFLINE_NOTE if waits else ""
            self._book.change(record, progress=replace(standing, note=note))
        return waits

    def kill_all(self) -> None:
        """End all processes; the jobs go on with the next start of the application."""
        self._stopping = True
        for job in self._runs:
            self._kill(job)

    @property
    def idle(self) -> bool:
        """Whether no process is left."""
        return not self._runs

    # ---- what the user wants -----------------------------------------------------------------------------------

    def _pause(self, record: JobRecord) -> None:
        if record.state in (JobState.QUEUED, JobState.RUNNING):
            self._kill(record.id)
            self._book.change(record, state=JobState.PAUSED, progress=_standing(record.progress))

    def _resume(self, record: JobRecord) -> None:
        if record.state == JobState.PAUSED:
            self._book.change(record, state=JobState.QUEUED)

    def _cancel(self, record: JobRecord) -> None:
        if record.state in (JobState.DONE, JobState.CANCELLED, JobState.CANCELLING):
            return
        self._kill(record.id)
        if self._kinds[record.kind].discard:
            self._book.change(record, state=JobState.CANCELLING, progress=_standing(record.progress))
        else:
            self._finish(record, JobState.CANCELLED)

    def _retry(self, record: JobRecord) -> None:
        if record.state in (JobState.FAILED, JobState.CANCELLED):
            self._book.change(record, state=JobState.QUEUED, error=None, finished=None)

    def _clear(self, record: JobRecord) -> None:
        if record.state == JobState.FAILED:  # what it has done so far would otherwise lie about for ever
            self._forget.add(record.id)
            self._cancel(record)
        elif record.is_finished:
            self._remove(record)

    # ---- processes ---------------------------------------------------------------------------------------------

    def _free(self, lane: str, places: int) -> bool:
        return sum(run.lane == lane for run in self._runs.values()) < places

    def _kill(self, job: str) -> None:
        if job in self._runs:
            self._runs[job].kill()

    def _start(self, record: JobRecord, lane: str, target: str) -> None:
        job = record.id
        log = Path(record.log) if record.log else paths.log_dir() / "jobs" / f"{job}.log"
        lock = str(self._book.store.lock_path(job))
        try:
            self._runs[job] = JobProcess(
                lane,
                log,
                Start(target, record.params, lock, pick=lane == _DISCARD_LANE),
                lambda progress: self._post(lambda: self._heard(job, progress)),
                lambda: self._post(lambda: self._ended(job)),
            )
        except OSError as e:
            error = JobFailure(JobError.code, f"The job could not be started: {e.strerror}.", "Try again.")
            self._finish(record, JobState.FAILED, error=error)
            return
        if record.state == JobState.QUEUED:
            self._book.change(record, state=JobState.RUNNING, log=str(log))

    def _heard(self, job: str, progress: JobProgress) -> None:
        record = self._book.get(job)
        if record is not None and record.state == JobState.RUNNING:
            self._book.progress(record, progress)

    def _ended(self, job: str) -> None:
        run, record = self._runs.pop(job), self._book.get(job)
        if record is not None and record.state == JobState.CANCELLING and run.lane == _DISCARD_LANE:
            self._finish(record, JobState.CANCELLED, error=run.failure)
        elif record is not None and record.state == JobState.RUNNING and not run.was_killed:
            if self._has_gone_offline(run.failure):
                self._book.change(record, state=JobState.QUEUED, progress=_standing(record.progress))
            else:
                state = JobState.FAILED if run.failure else JobState.DONE
                self._finish(record, state, error=run.failure, result=run.result)
        self.schedule()

    def _has_gone_offline(self, failure: JobFailure | None) -> bool:
        """Whether a job has noticed offline mode before us: that is no failure."""
        return failure is not None and failure.code == OfflineError.code and is_offline()

    def _finish(self, record: JobRecord, state: JobState, **changes: object) -> None:
        progress = _standing(record.progress)
        record = self._book.change(record, state=state, finished=time.time(), progress=progress, **changes)
        if record.id in self._forget and state == JobState.CANCELLED:
            self._forget.discard(record.id)
            self._remove(record)
        self._book.trim()

    def _remove(self, record: JobRecord) -> None:
        if record.log:
            Path(record.log).unlink(missing_ok=True)
        self._book.remove(record.id)


def _standing(progress: JobProgress) -> JobProgress:
    """As far as it came, going nowhere."""
    return JobProgress(progress.done, progress.total, progress.unit)
