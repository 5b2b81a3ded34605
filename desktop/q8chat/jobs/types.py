"""What a job is: the record that is shown, and kept as a JSON file until it is cleared."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class JobState(StrEnum):
    """Where a job is in its life. `cancelling`: stopped, what it left behind is being removed."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobProgress(msgspec.Struct, frozen=True):
    """How far a job is: `core.progress.Progress` and how fast. total 0: not known."""

    done: int = 0
    total: int = 0
    unit: str = "bytes"
    note: str = ""
    speed: float = 0.0  # units per second, smoothed; 0 not known
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """0..1; 0 while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


class JobFailure(msgspec.Struct, frozen=True):
    """Why a job failed; fields as in `core.errors`."""

    code: str
    message: str
    hint: str = ""


class JobRecord(msgspec.Struct, frozen=True):
    """One job. Times are seconds since 1970. `params` and `result` are plain JSON objects that its kind knows."""

    id: str
    kind: str
    title: str
    params: dict[str, Any]
    state: JobState = JobState.QUEUED
    progress: JobProgress = JobProgress()
    error: JobFailure | None = None
    created: float = 0.0
    finished: float | None = None
    result: dict[str, Any] = {}
    log: str = ""  # file with the child's own words

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in FINISHED
