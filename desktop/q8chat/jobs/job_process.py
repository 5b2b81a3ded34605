"""A job's process as its runner sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from q8chat.core.child_process import ChildProcess, Ending, command
from q8chat.core.errors import JobError
from q8chat.jobs import wire
from q8chat.jobs.types import JobFailure, JobProgress
from q8chat.jobs.wire import FromJob, JobDone, JobFailed, JobUpdate, Start

_AGAIN = "Try again; what was done so far is kept."


class JobProcess:
    """Running or ended. `lane`: where it takes a place. `failure` and `result` hold once it has ended."""

    def __init__(
        self,
        lane: str,
        log: Path,
        start: Start,
        on_progress: Callable[[JobProgress], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start it. The callbacks are called on a thread of the process's own. Raises OSError."""
        self.lane = lane
        self._on_progress, self._on_end = on_progress, on_end
        self._outcome: JobDone | JobFailed | None = None
        self._ending: Ending | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self._child = ChildProcess(command("job"), log, _decode, self._heard, self._ended, keep_log=True)
        self._child.send(wire.line(start))

    def kill(self) -> None:
        """End it; `on_end` is called when it is gone."""
        self._child.kill()

    @property
    def was_killed(self) -> bool:
        """Whether it ended because we wanted it to."""
        return self._ending is not None and self._ending.expected

    @property
    def result(self) -> dict[str, object]:
        """What it returned."""
        return self._outcome.result if isinstance(self._outcome, JobDone) else {}

    @property
    def failure(self) -> JobFailure | None:
        """Why it failed; None if it did what it should."""
        if isinstance(self._outcome, JobFailed):
            return JobFailure(self._outcome.code, self._outcome.message, self._outcome.hint)
        if self._outcome is None and self._ending is not None:
            return JobFailure(JobError.code, f"The job stopped: {self._ending.describe()}.", _AGAIN)
        return None

    def _heard(self, message: FromJob) -> None:
        if isinstance(message, JobUpdate):
            self._on_progress(message.progress)
        else:
            self._outcome = message

    def _ended(self, ending: Ending) -> None:
        self._ending = ending
        self._on_end()


def _decode(data: bytes) -> FromJob:
    message: FromJob = wire.decode(data, FromJob)
    return message
