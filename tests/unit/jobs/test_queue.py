"""The queue in one application: order, pausing, cancelling, failing, and records that outlive it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from q8chat.core import paths, settings
from q8chat.core.errors import JobError
from q8chat.core.settings import Settings
from q8chat.jobs import book
from q8chat.jobs.runner import OFFLINE_NOTE
from q8chat.jobs.types import FINISHED, JobState
from tests.unit.jobs.queue_driver import Queue, wait_for

LONG = 100_000


@pytest.fixture
def jobs() -> Iterator[Queue]:
    made = Queue()
    yield made
    made.queue.close()


def steps(folder: Path) -> list[str]:
    return (folder / "steps").read_text().split() if (folder / "steps").exists() else []


def pid_of(folder: Path) -> int:
    text = wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text())
    return int(text)


def test_a_job_from_start_to_end(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.count(tmp_path, until=30)
    done = jobs.wait(job, JobState.DONE)
    assert done.result == {"start": 0, "done": 30}
    assert (done.progress.done, done.progress.total, done.progress.unit) == (30, 30, "steps")
    assert done.finished is not None
    assert done.created <= done.finished <= time.time()
    states = [r.state for r in jobs.seen]
    assert list(dict.fromkeys(states)) == [JobState.QUEUED, JobState.RUNNING, JobState.DONE]
    running = [r.progress for r in jobs.seen if r.state == JobState.RUNNING]
    assert any(p.speed > 0 and p.seconds_left is not None and p.note == "Counting" for p in running)
    assert "Counting" in Path(done.log).read_text()
    assert "Done." in Path(done.log).read_text()


def test_news_come_at_most_ten_times_a_second(jobs: Queue, tmp_path: Path) -> None:
    started = time.monotonic()
    job = jobs.count(tmp_path, until=1000, pause=0.0005)
    jobs.wait(job, JobState.DONE)
    assert len(jobs.seen) <= 5 + 10 * (time.monotonic() - started)


def test_pause_keeps_the_state_and_resume_goes_on(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.count(tmp_path, until=60)
    jobs.wait(job, JobState.RUNNING, steps=5)
    process = psutil.Process(pid_of(tmp_path))
    jobs.queue.act(job, "pause")
    jobs.wait(job, JobState.PAUSED)
    process.wait(10)
    reached = len(steps(tmp_path))
    assert 5 <= reached < 60
    time.sleep(0.2)
    assert len(steps(tmp_path)) == reached
    jobs.queue.act(job, "resume")
    assert jobs.wait(job, JobState.DONE).result == {"start": reached, "done": 60}
    assert len(steps(tmp_path)) == 60


def test_pause_and_resume_without_waiting(jobs: Queue, tmp_path: Path) -> None:
    """Never two processes at the same job, whatever the user clicks."""
    job = jobs.count(tmp_path, until=80)
    jobs.wait(job, JobState.RUNNING, steps=1)
    for action in ("pause", "resume") * 10:
        jobs.queue.act(job, action)
    jobs.wait(job, JobState.DONE)
    runs = steps(tmp_path)
    assert len(runs) == 80
    assert runs == [pid for pid in dict.fromkeys(runs) for _ in range(runs.count(pid))]


def test_a_waiting_job_can_be_paused_and_cancelled(jobs: Queue, tmp_path: Path) -> None:
    running = jobs.count(tmp_path / "a", until=LONG, kind="compute")
    waiting = jobs.count(tmp_path / "b", kind="compute")
    jobs.wait(running, JobState.RUNNING, steps=1)
    jobs.queue.act(waiting, "pause")
    jobs.wait(waiting, JobState.PAUSED)
    jobs.queue.act(running, "cancel")
    jobs.wait(running, JobState.CANCELLED)
    time.sleep(0.2)
    assert jobs.wait(waiting, JobState.PAUSED)
    jobs.queue.act(waiting, "cancel")
    jobs.wait(waiting, JobState.CANCELLED)


def test_cancelling_removes_what_was_left(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.count(tmp_path, until=LONG)
    jobs.wait(job, JobState.RUNNING, steps=3)
    process = psutil.Process(pid_of(tmp_path))
    jobs.queue.act(job, "cancel")
    cancelled = jobs.wait(job, JobState.CANCELLED)
    process.wait(10)
    assert steps(tmp_path) == []
    assert cancelled.error is None
    assert JobState.CANCELLING in [r.state for r in jobs.seen]
    jobs.queue.act(job, "retry")
    jobs.wait(job, JobState.RUNNING, steps=2)
    assert len(steps(tmp_path)) < 100  # from the start again


def test_cancelling_what_leaves_nothing(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.count(tmp_path, until=LONG, kind="plain")
    jobs.wait(job, JobState.RUNNING, steps=1)
    jobs.queue.act(job, "cancel")
    jobs.wait(job, JobState.CANCELLED)
    assert JobState.CANCELLING not in [r.state for r in jobs.seen]


def test_lanes(jobs: Queue, tmp_path: Path) -> None:
    """Three downloads at once and one computation, first come first served."""
    downloads = [jobs.count(tmp_path / f"d{i}", until=25) for i in range(5)]
    computations = [jobs.count(tmp_path / f"c{i}", until=5, kind="compute") for i in range(3)]
    running: set[str] = set()
    most = {"count": 0, "compute": 0}
    for job in (*downloads, *computations):
        jobs.wait(job, JobState.DONE)
    started: list[str] = []
    for record in jobs.seen:
        (running.add if record.state == JobState.RUNNING else running.discard)(record.id)
        if record.state == JobState.RUNNING and record.id not in started:
            started.append(record.id)
        for kind, group in (("count", downloads), ("compute", computations)):
            most[kind] = max(most[kind], len(running & set(group)))
    assert most == {"count": 3, "compute": 1}
    assert [job for job in started if job in downloads] == downloads
    assert [job for job in started if job in computations] == computations


def test_offline_only_what_needs_the_network_waits(jobs: Queue, tmp_path: Path) -> None:
    """Also what was running; it goes on where it was when offline mode is off."""
    running = jobs.count(tmp_path / "a", until=400)
    jobs.wait(running, JobState.RUNNING, steps=3)
    settings.save(Settings(offline=True))
    wait_for(lambda: [r.progress.note for r in jobs.queue.records()] == [OFFLINE_NOTE])
    assert jobs.wait(running, JobState.QUEUED)
    reached = len(steps(tmp_path / "a"))
    jobs.wait(jobs.count(tmp_path / "b", until=2, kind="compute"), JobState.DONE)
    assert len(steps(tmp_path / "a")) == reached
    settings.save(Settings(offline=False))
    assert jobs.wait(running, JobState.DONE).result["start"] == reached


def test_a_failure_says_why_and_can_be_tried_again(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.queue.submit("once", "Fails once", {"folder": tmp_path})
    error = jobs.wait(job, JobState.FAILED).error
    assert error is not None
    assert (error.code, error.message, error.hint) == ("download", "The server hung up.", "Try again later.")
    jobs.queue.act(job, "retry")
    done = jobs.wait(job, JobState.DONE)
    assert done.error is None
    assert done.result == {"ok": True}


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGKILL, "killed from outside"), (signal.SIGSEGV, "crashed")]
)
def test_a_killed_process_is_a_failure_that_can_go_on(
    jobs: Queue, tmp_path: Path, number: signal.Signals, words: str
) -> None:
    job = jobs.count(tmp_path, until=100)
    jobs.wait(job, JobState.RUNNING, steps=5)
    os.kill(pid_of(tmp_path), number)
    error = jobs.wait(job, JobState.FAILED).error
    assert error is not None
    assert error.code == "job"
    assert words in error.message
    reached = len(steps(tmp_path))
    jobs.queue.act(job, "retry")
    assert jobs.wait(job, JobState.DONE).result["start"] == reached


def test_a_defect_is_a_failure_with_its_trace_in_the_log(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.queue.submit("defect", "Has a defect", {"folder": tmp_path})
    failed = jobs.wait(job, JobState.FAILED)
    assert failed.error is not None
    assert "ZeroDivisionError: a defect of the test" in failed.error.message
    assert "Traceback" in Path(failed.log).read_text()


def test_params_that_do_not_fit_are_a_failure(jobs: Queue) -> None:
    job = jobs.queue.submit("count", "Nonsense", {"folder": 7})
    assert jobs.wait(job, JobState.FAILED).error is not None
    with pytest.raises(KeyError):
        jobs.queue.submit("unheard of", "x", {})
    with pytest.raises(TypeError):
        jobs.queue.submit("count", "x", {"folder": object()})
    with pytest.raises(JobError, match="no valid text"):
        jobs.queue.submit("count", "x", {"folder": Path(os.fsdecode(b"/tmp/\xff"))})


def test_clearing(jobs: Queue, tmp_path: Path) -> None:
    """A failed job's remains go with it; a running one is not cleared."""
    done = jobs.count(tmp_path / "a", until=2)
    killed = jobs.count(tmp_path / "b", until=LONG)
    running = jobs.count(tmp_path / "c", until=LONG)
    log = Path(jobs.wait(done, JobState.DONE).log)
    jobs.wait(killed, JobState.RUNNING, steps=2)
    os.kill(pid_of(tmp_path / "b"), signal.SIGKILL)
    jobs.wait(killed, JobState.FAILED)
    assert len(steps(tmp_path / "b")) >= 2
    jobs.queue.clear_finished()
    jobs.queue.act(running, "clear")
    wait_for(lambda: jobs.removed == [done])
    assert not log.exists()
    jobs.queue.act(killed, "clear")
    wait_for(lambda: jobs.removed == [done, killed])
    assert steps(tmp_path / "b") == []
    assert [r.id for r in jobs.queue.records()] == [running]
    assert [p.stem for p in (paths.data_dir() / "jobs").glob("*.json")] == [running]


def test_a_discard_that_fails_is_said(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.queue.submit("fail", "Fails", {"folder": tmp_path})
    jobs.wait(job, JobState.FAILED)
    jobs.queue.act(job, "cancel")
    error = jobs.wait(job, JobState.CANCELLED).error
    assert error is not None
    assert error.message == "The server hung up."


def test_only_so_many_finished_jobs_are_kept(jobs: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "KEPT", 2)
    made = [jobs.count(tmp_path / str(i), until=1, kind="compute") for i in range(4)]
    wait_for(lambda: jobs.removed == made[:2])
    wait_for(lambda: [r.id for r in jobs.queue.records() if r.state in FINISHED] == made[2:])


def test_nothing_is_left_running_after_closing(tmp_path: Path) -> None:
    jobs = Queue()
    job = jobs.count(tmp_path, until=LONG)
    jobs.wait(job, JobState.RUNNING, steps=1)
    pid = pid_of(tmp_path)
    started = time.monotonic()
    jobs.queue.close()
    assert time.monotonic() - started < 1.0
    assert not psutil.pid_exists(pid)


def test_a_disk_without_room_is_said_and_the_job_runs(small_disk: Path, tmp_path: Path) -> None:
    jobs = Queue(small_disk / "jobs")
    wait_for(lambda: jobs.queue.runs_jobs)
    with (small_disk / "filler").open("wb", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass
    job = jobs.count(tmp_path, until=3)
    wait_for(lambda: jobs.problems)
    assert jobs.problems[0].code == "disk_full"
    jobs.queue.act(job, "cancel")
    jobs.queue.close()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file where the folder should be")
    jobs = Queue(tmp_path / "jobs")
    wait_for(lambda: jobs.problems)
    assert "can't be used" in jobs.problems[0].message
    jobs.queue.close()
