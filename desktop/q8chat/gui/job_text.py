"""What is said about a job: amounts, speed, time left, states."""

from __future__ import annotations

from collections.abc import Iterable

from q8chat.core import units
from q8chat.jobs.types import JobProgress, JobRecord, JobState

_STATES: dict[JobState, str] = {
    JobState.QUEUED: "Waiting for its turn",
    JobState.RUNNING: "Starting",
    JobState.PAUSED: "Paused",
    JobState.CANCELLING: "Cancelling",
    JobState.DONE: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
_TONES: dict[JobState, str] = {JobState.DONE: "good", JobState.FAILED: "danger", JobState.RUNNING: ""}
CONTINUED = "an interrupted run was continued"
_COUNTED = (  # in the order of the summary
    (JobState.RUNNING, "running"),
    (JobState.QUEUED, "waiting"),
    (JobState.PAUSED, "paused"),
    (JobState.FAILED, "failed"),
)


def amount(progress: JobProgress) -> str:
    """1.2 GiB of 4.4 GiB, 12 of 290 tensors; "" if there is nothing to tell."""
    done, total, unit = progress.done, progress.total, progress.unit
    if not done and not total:
        return ""
    if unit == "bytes":
        return f"{units.size(done)} of {units.size(total)}" if total else units.size(done)
    counted = f"{units.count(done)} of {units.count(total)}" if total else units.count(done)
    return f"{counted} {unit}"


def whole(progress: JobProgress) -> str:
    """4.4 GiB, 290 tensors: what there was to do in all."""
    n = progress.total or progress.done
    if not n:
        return ""
    return units.size(n) if progress.unit == "bytes" else f"{units.count(n)} {progress.unit}"


def speed(progress: JobProgress) -> str:
    """23 MiB/s, 4.2 tensors/s; "" if it is not known."""
    if progress.speed <= 0:
        return ""
    if progress.unit == "bytes":
        return f"{units.size(progress.speed)}/s"
    digits = 1 if progress.speed < 99.5 else 0
    return f"{progress.speed:.{digits}f} {progress.unit}/s"


def time_left(progress: JobProgress) -> str:
    """About 2 h 10 min left; no more exact than it can be known."""
    if progress.seconds_left is None:
        return ""
    seconds = progress.seconds_left
    if seconds < 5:
        return "a few seconds left"
    if seconds < 57.5:
        return f"about {5 * round(seconds / 5)} s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"
    return "more than a day left"


def status(record: JobRecord) -> str:
    """The line below the bar."""
    progress, state = record.progress, record.state
    parts: tuple[str, ...] = (_STATES[state],)
    if state == JobState.RUNNING:
        figures = (amount(progress), speed(progress), time_left(progress))
        parts = (progress.note or ("" if any(figures) else _STATES[state]), *figures)
    elif state == JobState.DONE:
        parts = (_STATES[state], whole(progress), CONTINUED if record.result.get("continued") else "")
    elif state not in (JobState.CANCELLED, JobState.CANCELLING) and (progress.done or progress.note):
        parts = (progress.note or _STATES[state], amount(progress))
    return " · ".join(part for part in parts if part)


def tone(record: JobRecord) -> str:
    """The name of a colour of the scheme for its state; "" for the usual one."""
    return _TONES.get(record.state, "waiting")


def summary(records: Iterable[JobRecord]) -> str:
    """2 running, 1 waiting; "" if nothing is under way."""
    states = [record.state for record in records]
    return ", ".join(f"{states.count(state)} {word}" for state, word in _COUNTED if state in states)
