"""Jobs outlive the application however it ends, and two applications do not get into each other's way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from q8chat.core import paths
from q8chat.jobs.types import JobState
from tests.unit.jobs.queue_driver import App, Queue, wait_for
from tests.unit.jobs.test_queue import LONG, steps


@pytest.fixture
def apps() -> Iterator[Callable[[], App]]:
    made: list[App] = []

    def make() -> App:
        made.append(App())
        return made[-1]

    yield make
    for app in made:
        app.kill()


def params(folder: Path, until: int = LONG) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {"folder": str(folder), "until": until, "pause": 0.02}


def grown(folder: Path, n: int) -> bool:
    return len(steps(folder)) > n


def folder_of_jobs() -> Path:
    return paths.data_dir() / "jobs"


def test_killed_with_9_and_started_again(apps: Callable[[], App], tmp_path: Path) -> None:
    """What ran or waited goes on by itself, what was paused stays so, and no child survives its application."""
    app = apps()
    app.tell("submit", "compute", "Runs", params(tmp_path / "a", until=150))
    app.tell("submit", "compute", "Waits", params(tmp_path / "b", until=3))
    app.tell("submit", "count", "Paused", params(tmp_path / "c"))
    wait_for(lambda: len(app.records) == 3)
    runs, waits, paused = sorted(app.records)
    app.tell("act", paused, "pause")
    app.wait("paused")
    wait_for(lambda: app.records[runs]["progress"]["done"] >= 5)
    children = app.children()
    assert len(children) == 1
    app.kill()
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
    reached = len(steps(tmp_path / "a"))
    assert 5 <= reached < 150

    again = Queue()
    assert again.wait(runs, JobState.DONE).result == {"start": reached, "done": 150}
    assert again.wait(waits, JobState.DONE)
    assert again.wait(paused, JobState.PAUSED)
    again.queue.close()


def test_killed_again_and_again(apps: Callable[[], App], tmp_path: Path) -> None:
    first = apps()
    first.tell("submit", "count", "Counts", params(tmp_path, until=120))
    for _ in range(4):
        app = apps() if first.process.poll() is not None else first
        wait_for(partial(grown, tmp_path, len(steps(tmp_path)) + 5))
        app.kill()
    last = Queue()
    job = wait_for(last.queue.records)[0].id
    done = last.wait(job, JobState.DONE)
    assert done.result["start"] >= 20
    runs = steps(tmp_path)
    assert len(runs) == 120
    assert runs == [pid for pid in dict.fromkeys(runs) for _ in range(runs.count(pid))]
    last.queue.close()


def test_closed_in_an_orderly_way_and_started_again(apps: Callable[[], App], tmp_path: Path) -> None:
    app = apps()
    app.tell("submit", "count", "Counts", params(tmp_path, until=100))
    app.wait("running", steps=5)
    app.close()
    again = Queue()
    record = wait_for(again.queue.records)[0]
    assert record.progress.done >= 5  # known at once, before the job says something
    assert again.wait(record.id, JobState.DONE).result["start"] >= 5
    again.queue.close()


def test_killed_while_cancelling(apps: Callable[[], App], tmp_path: Path) -> None:
    """What a cancelled job left is removed after the restart."""
    app = apps()
    app.tell("submit", "count", "Counts", params(tmp_path))
    job = app.wait("running", steps=3)["id"]
    app.kill()
    record = folder_of_jobs() / f"{job}.json"
    text = record.read_text()
    record.write_text(text.replace('"running"', '"cancelling"'))
    again = Queue()
    again.wait(job, JobState.CANCELLED)
    assert steps(tmp_path) == []
    again.queue.close()


def test_the_second_application_watches_and_takes_over(apps: Callable[[], App], tmp_path: Path) -> None:
    first = apps()
    first.tell("submit", "count", "Counts", params(tmp_path, until=400))
    first.wait("running", steps=2)
    second = Queue()
    job = wait_for(second.queue.records)[0].id
    assert not second.queue.runs_jobs
    second.wait(job, JobState.RUNNING, steps=3)  # sees it grow
    first.kill()
    wait_for(lambda: second.queue.runs_jobs)
    done = second.wait(job, JobState.DONE)
    assert done.result["start"] > 3
    runs = steps(tmp_path)
    assert len(runs) == 400
    assert len(set(runs)) == 2
    second.queue.close()


def test_what_the_second_application_asks_is_done_by_the_first(apps: Callable[[], App], tmp_path: Path) -> None:
    first = apps()
    first.tell("submit", "count", "First's", params(tmp_path / "a"))
    job = first.wait("running", steps=2)["id"]
    second = Queue()
    wait_for(second.queue.records)
    second.queue.act(job, "pause")
    second.wait(job, JobState.PAUSED)
    assert first.records[job]["state"] == "paused"
    other = second.count(tmp_path / "b", until=3)
    second.wait(other, JobState.DONE)
    assert not second.queue.runs_jobs
    assert first.records[other]["state"] == "done"
    second.queue.act(other, "clear")
    wait_for(lambda: second.removed == [other])
    assert first.removed == [other]
    first.close()
    wait_for(lambda: second.queue.runs_jobs)
    assert second.get(job)
    second.wait(job, JobState.PAUSED)
    second.queue.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"id": 7}',
        '{"id": "9-damaged", "kind": "unheard of", "title": "x", "params": {}}',
        '{"id": "9-damaged", "kind": "count", "title": "x", "params": {}, "state": "flying"}',
        '{"id": "another", "kind": "count", "title": "x", "params": {}}',
        "\x00" * 500,
    ],
)
def test_a_record_that_cannot_be_understood_is_set_aside(text: str, tmp_path: Path) -> None:
    """And the others are not touched."""
    jobs = Queue()
    job = jobs.count(tmp_path, until=2)
    jobs.wait(job, JobState.DONE)
    jobs.queue.close()
    (folder_of_jobs() / "9-damaged.json").write_text(text)
    again = Queue()
    assert [r.id for r in wait_for(again.queue.records)] == [job]
    again.queue.close()
    (aside,) = (folder_of_jobs() / "set-aside").iterdir()
    assert aside.name.startswith("9-damaged.")
    assert aside.read_text() == text
    assert again.problems == []


def test_nonsense_requests_are_ignored(tmp_path: Path) -> None:
    requests = folder_of_jobs() / "requests"
    requests.mkdir(parents=True)
    (requests / "1.json").write_text("{")
    (requests / "2.json").write_text(json.dumps({"job": "none", "action": "pause"}))
    (requests / "3.json").write_text(json.dumps({"job": "none", "action": "explode"}))
    jobs = Queue()
    job = jobs.count(tmp_path, until=2)
    jobs.wait(job, JobState.DONE)
    wait_for(lambda: not list(requests.iterdir()))
    jobs.queue.close()


def test_records_are_readable_files(tmp_path: Path) -> None:
    jobs = Queue()
    job = jobs.count(tmp_path, until=2)
    jobs.wait(job, JobState.DONE)
    jobs.queue.close()
    record = json.loads((folder_of_jobs() / f"{job}.json").read_text())
    assert record["state"] == "done"
    assert record["params"] == {"folder": str(tmp_path), "until": 2, "pause": 0.02}
    assert not list(folder_of_jobs().glob("*.part"))
