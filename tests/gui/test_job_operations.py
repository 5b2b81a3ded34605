"""Jobs and calls of the worker arrive on the GUI thread, and nothing arrives where nobody is any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from q8chat.core.errors import DownloadError
from q8chat.core.progress import Progress
from q8chat.gui.operations import JobOperations, WorkerOperations
from q8chat.jobs.types import JobState
from q8chat.jobs.worker import Worker
from tests.unit.jobs.kinds_for_tests import KINDS, METHODS, Point


@pytest.fixture
def worker(qapp: QApplication) -> Iterator[WorkerOperations]:
    made = WorkerOperations(Worker(METHODS))
    yield made
    made.close()
    qapp.processEvents()


class Receiver(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def take(self, value: Any) -> None:
        assert QThread.isMainThread()
        self.got.append(value)


def test_results_errors_and_progress_on_the_gui_thread(qtbot: QtBot, worker: WorkerOperations) -> None:
    results, errors, progress = Receiver(), Receiver(), Receiver()
    worker.call("double", {"point": Point(4), "folder": "/"}, results.take, errors.take)
    worker.call("fail", {}, results.take, errors.take)
    worker.call("chatter", {"n": 50}, results.take, errors.take, progress.take)
    qtbot.waitUntil(lambda: len(results.got) == 2 and len(errors.got) == 1, timeout=20_000)
    assert Point(8) in results.got
    assert isinstance(errors.got[0], DownloadError)
    assert progress.got[-1] == Progress(50, 50, "words")


def test_nothing_arrives_at_what_was_destroyed(qtbot: QtBot, worker: WorkerOperations) -> None:
    gone, stays = Receiver(), Receiver()
    owner = QObject()
    heard: list[Any] = []
    worker.call("pid", {}, gone.take, gone.take)
    worker.call("pid", {}, heard.append, heard.append, owner=owner)
    delete(gone)
    delete(owner)
    worker.call("pid", {}, stays.take, stays.take)
    qtbot.waitUntil(lambda: len(stays.got) == 1, timeout=20_000)
    qtbot.wait(100)
    assert gone.got == []
    assert heard == []


def test_nothing_arrives_after_cancel_even_when_it_was_on_its_way(qtbot: QtBot, worker: WorkerOperations) -> None:
    first, second = Receiver(), Receiver()
    worker.call("pid", {}, first.take, first.take)
    qtbot.waitUntil(lambda: len(first.got) == 1, timeout=20_000)
    call = worker.call("pid", {}, second.take, second.take)
    QThread.msleep(500)  # the answer is in the queue of this thread now
    call.cancel()
    qtbot.wait(100)
    assert second.got == []


def test_nothing_arrives_after_closing(qtbot: QtBot) -> None:
    worker, receiver = WorkerOperations(Worker(METHODS)), Receiver()
    worker.call("pid", {}, receiver.take, receiver.take)
    QThread.msleep(500)
    worker.close()
    worker.call("pid", {}, receiver.take, receiver.take).cancel()
    qtbot.wait(100)
    assert receiver.got == []


def test_no_worker_is_started_for_nothing(qtbot: QtBot) -> None:
    WorkerOperations().close()


def test_jobs_become_signals_and_outlive_their_operations(qtbot: QtBot, tmp_path: Path) -> None:
    jobs = JobOperations(kinds=KINDS)
    job = jobs.submit("count", "Count", {"folder": tmp_path, "until": 100, "pause": 0.02})
    assert jobs.records() == []  # nothing was told yet
    threads: list[bool] = []
    jobs.changed.connect(lambda _: threads.append(QThread.isMainThread()))
    qtbot.waitUntil(lambda: any(r.progress.done > 3 for r in jobs.records()), timeout=20_000)
    jobs.pause(job)
    qtbot.waitUntil(lambda: jobs.records()[0].state == JobState.PAUSED, timeout=20_000)
    jobs.close()
    assert set(threads) == {True}
    again = JobOperations(kinds=KINDS)
    again.start()
    qtbot.waitUntil(lambda: bool(again.records()), timeout=20_000)
    assert again.records()[0].state == JobState.PAUSED
    again.resume(job)
    qtbot.waitUntil(lambda: again.records()[0].state == JobState.DONE, timeout=20_000)
    with qtbot.waitSignal(again.removed, timeout=20_000) as removed:
        again.clear(job)
    assert removed.args == [job]
    assert again.records() == []
    again.close()


def test_trouble_with_the_folder_is_a_problem(qtbot: QtBot, home: Path) -> None:
    (home / "data" / "q8chat").mkdir(parents=True)
    (home / "data" / "q8chat" / "jobs").write_text("a file where the folder should be")
    jobs = JobOperations(kinds=KINDS)
    with qtbot.waitSignal(jobs.problem, timeout=20_000) as problem:
        jobs.start()
    assert problem.args[0].code == "job"
    assert "can't be used" in problem.args[0].message
    jobs.close()
