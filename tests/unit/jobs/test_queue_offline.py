"""Offline mode: jobs that use the network wait, real ones are stopped, and go on afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core import settings
from q8chat.core.settings import Settings
from q8chat.gui import job_text
from q8chat.jobs.runner import OFFLINE_NOTE
from q8chat.jobs.types import JobState
from tests.unit.jobs.queue_driver import Queue, wait_for


@pytest.fixture
def jobs() -> Iterator[Queue]:
    made = Queue()
    yield made
    made.queue.close()


def go(offline: bool) -> None:
    settings.save(Settings(offline=offline))


def waits(jobs: Queue, job: str) -> bool:
    record = jobs.get(job)
    return record is not None and record.state == JobState.QUEUED and record.progress.note == OFFLINE_NOTE


def test_a_running_job_stops_and_goes_on_where_it_was(jobs: Queue, tmp_path: Path) -> None:
    job = jobs.count(tmp_path / "a", until=200)
    jobs.wait(job, JobState.RUNNING, steps=5)
    go(offline=True)
    wait_for(lambda: waits(jobs, job), "it waits")
    record = jobs.get(job)
    assert record is not None
    assert job_text.status(record).startswith(OFFLINE_NOTE)
    steps = (tmp_path / "a" / "steps").read_text()
    go(offline=False)
    done = jobs.wait(job, JobState.DONE)
    assert (tmp_path / "a" / "steps").read_text().startswith(steps)
    assert done.result["start"] >= 5
    assert done.progress.note == ""


def test_only_what_uses_the_network_waits(jobs: Queue, tmp_path: Path) -> None:
    go(offline=True)
    waiting = jobs.count(tmp_path / "network", until=3)
    working = jobs.count(tmp_path / "compute", until=3, kind="compute")
    jobs.wait(working, JobState.DONE)
    wait_for(lambda: waits(jobs, waiting), "it waits")
    assert not (tmp_path / "network" / "steps").exists()


def test_a_waiting_job_can_be_paused_and_cancelled(jobs: Queue, tmp_path: Path) -> None:
    go(offline=True)
    job = jobs.count(tmp_path / "a", until=3)
    wait_for(lambda: waits(jobs, job), "it waits")
    jobs.queue.act(job, "pause")
    assert jobs.wait(job, JobState.PAUSED).progress.note == ""
    jobs.queue.act(job, "resume")
    wait_for(lambda: waits(jobs, job), "it waits again")
    jobs.queue.act(job, "cancel")
    jobs.wait(job, JobState.CANCELLED)
