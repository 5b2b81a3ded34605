"""The list of jobs: what it says, what its buttons do to real jobs, and that the keyboard is enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from q8chat.gui import job_text
from q8chat.gui.operations import JobOperations
from q8chat.gui.widgets.job_list import JobList
from q8chat.gui.widgets.job_row import JobRow
from q8chat.jobs.types import JobFailure, JobProgress, JobRecord, JobState
from tests.unit.jobs.kinds_for_tests import KINDS

GIB = 2**30
LONG = 100_000


def record(state: JobState = JobState.RUNNING, **changes: Any) -> JobRecord:
    return JobRecord(**{"id": "1", "kind": "count", "title": "A model", "params": {}, "state": state, **changes})


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (record(JobState.QUEUED), "Waiting for its turn"),
        (record(), "Starting"),
        (record(progress=JobProgress(note="Connecting")), "Connecting"),
        (
            record(progress=JobProgress(GIB, 4 * GIB, "bytes", "", 2**20 * 20, 154)),
            "1.0 GiB of 4.0 GiB · 20.0 MiB/s · about 3 min left",
        ),
        (
            record(progress=JobProgress(3, 1290, "tensors", "Writing", 4.26, 302)),
            "Writing · 3 of 1,290 tensors · 4.3 tensors/s · about 5 min left",
        ),
        (record(progress=JobProgress(5, 0, "files", "", 250.4)), "5 files · 250 files/s"),
        (record(JobState.PAUSED, progress=JobProgress(GIB, 4 * GIB)), "Paused · 1.0 GiB of 4.0 GiB"),
        (record(JobState.DONE, progress=JobProgress(GIB, GIB)), "Done · 1.0 GiB"),
        (record(JobState.DONE), "Done"),
        (record(JobState.CANCELLED, progress=JobProgress(GIB, 4 * GIB)), "Cancelled"),
        (record(JobState.FAILED, progress=JobProgress(7, 9, "tensors")), "Failed · 7 of 9 tensors"),
    ],
)
def test_what_is_said(shown: JobRecord, text: str) -> None:
    assert job_text.status(shown) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "a few seconds left"),
        (12, "about 10 s left"),
        (57, "about 55 s left"),
        (58, "about 1 min left"),
        (3569, "about 59 min left"),
        (3571, "about 1 h left"),
        (3 * 3600 + 600, "about 3 h 10 min left"),
        (90_000, "more than a day left"),
    ],
)
def test_time_left(seconds: float | None, text: str) -> None:
    assert job_text.time_left(JobProgress(1, 2, seconds_left=seconds)) == text


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[JobOperations]:
    made = JobOperations(kinds=KINDS)
    yield made
    made.close()
    made.deleteLater()
    qapp.processEvents()


@pytest.fixture
def shown(qtbot: QtBot, jobs: JobOperations) -> JobList:
    made = JobList(jobs, "Nothing here yet.")
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


def count(jobs: JobOperations, folder: Path, until: int = LONG, kind: str = "count") -> str:
    folder.mkdir(exist_ok=True)
    return jobs.submit(kind, f"Count {folder.name}", {"folder": folder, "until": until, "pause": 0.02})


def row_of(qtbot: QtBot, shown: JobList, job: str, state: JobState, steps: int = 0) -> JobRow:
    def there() -> bool:
        row = shown.rows.get(job)
        return row is not None and row.record.state == state and row.record.progress.done >= steps

    qtbot.waitUntil(there, timeout=20_000)
    return shown.rows[job]


def visible(row: JobRow) -> list[str]:
    return [b.accessibleName() for b in row.findChildren(QAbstractButton) if b.isVisible()]


def in_order(shown: JobList) -> list[str]:
    rows = sorted(shown.rows.values(), key=lambda row: row.mapTo(shown, row.rect().topLeft()).y())
    return [row.record.id for row in rows]


def answer(qtbot: QtBot, shown: JobList, text: str) -> None:
    box = qtbot.waitUntil(lambda: shown.findChild(QMessageBox) is not None) or shown.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    button = next(b for b in box.buttons() if b.text() == text)
    button.click()
    qtbot.waitUntil(lambda: shown.findChild(QMessageBox) is None)


def test_empty_at_first(shown: JobList) -> None:
    assert shown.empty.isVisible()
    assert not shown.clear_button.isVisible()


def test_pause_resume_and_done(qtbot: QtBot, shown: JobList, jobs: JobOperations, tmp_path: Path) -> None:
    job = count(jobs, tmp_path, until=60)
    row = row_of(qtbot, shown, job, JobState.RUNNING, steps=3)
    assert not shown.empty.isVisible()
    assert shown.summary.text() == "1 running"
    assert 0 < row.bar.value() < row.bar.maximum()
    assert "steps/s" in row.status.text() or "of 60 steps" in row.status.text()
    title = f"Count {tmp_path.name}"
    assert visible(row) == [f"Pause: {title}", f"Cancel: {title}", f"More about {title}"]
    row.first.setFocus()
    qtbot.keyClick(row.first, Qt.Key.Key_Space)
    row_of(qtbot, shown, job, JobState.PAUSED)
    assert row.status.text().startswith("Paused · ")
    assert row.first.hasFocus()
    assert row.first.accessibleName().startswith("Resume: ")
    qtbot.keyClick(row.first, Qt.Key.Key_Space)
    row_of(qtbot, shown, job, JobState.DONE)
    assert row.status.text() == "Done · 60 steps"
    assert row.second.hasFocus()  # the first button is gone
    assert row.accessibleName() == f"Count {tmp_path.name}: Done · 60 steps"
    assert not row.bar.isVisible()
    shown.clear_button.click()
    qtbot.waitUntil(lambda: shown.rows == {})
    qtbot.waitUntil(shown.empty.isVisible)


def test_cancelling_asks_first(qtbot: QtBot, shown: JobList, jobs: JobOperations, tmp_path: Path) -> None:
    job = count(jobs, tmp_path)
    row = row_of(qtbot, shown, job, JobState.RUNNING, steps=3)
    row.second.click()
    answer(qtbot, shown, "Keep")
    assert shown.rows[job].record.state == JobState.RUNNING
    row.second.click()
    answer(qtbot, shown, "Cancel and remove")
    row_of(qtbot, shown, job, JobState.CANCELLED)
    assert not (tmp_path / "steps").exists()
    assert row.first.accessibleName().startswith("Start again: ")


def test_a_failure_is_said_with_its_hint(qtbot: QtBot, shown: JobList, jobs: JobOperations, tmp_path: Path) -> None:
    job = jobs.submit("once", "Fetch", {"folder": tmp_path})
    row = row_of(qtbot, shown, job, JobState.FAILED)
    assert row.error.isVisible()
    assert row.error.text() == "The server hung up. Try again later."
    assert row.accessibleDescription() == row.error.text()
    assert shown.summary.text() == "1 failed"
    assert not shown.clear_button.isEnabled()
    row.first.click()
    row_of(qtbot, shown, job, JobState.DONE)
    assert not row.error.isVisible()


def test_what_is_under_way_is_above_what_is_finished(
    qtbot: QtBot, shown: JobList, jobs: JobOperations, tmp_path: Path
) -> None:
    first = count(jobs, tmp_path / "a", until=2, kind="compute")
    second = count(jobs, tmp_path / "b", until=2, kind="compute")
    third = count(jobs, tmp_path / "c", kind="compute")
    row_of(qtbot, shown, second, JobState.DONE)
    row_of(qtbot, shown, third, JobState.RUNNING, steps=1)
    qtbot.waitUntil(lambda: in_order(shown) == [third, second, first])


def test_the_keyboard_is_enough(qtbot: QtBot, shown: JobList, jobs: JobOperations, tmp_path: Path) -> None:
    """Up and Down between the rows, Tab through one, Del cancels and clears; the focus is never lost."""
    made = [count(jobs, tmp_path / name) for name in "abc"]
    rows = [row_of(qtbot, shown, job, JobState.RUNNING, steps=1) for job in made]
    rows[0].first.setFocus()

    def press(key: Qt.Key) -> QWidget:
        qtbot.keyClick(shown.focusWidget(), key)
        return shown.focusWidget()

    assert press(Qt.Key.Key_Down) is rows[1].first
    assert press(Qt.Key.Key_Down) is rows[2].first
    assert press(Qt.Key.Key_Up) is rows[1].first
    assert press(Qt.Key.Key_Tab) is rows[1].second
    assert press(Qt.Key.Key_Up) is rows[0].second
    for row in rows:
        assert all(b.focusPolicy() & Qt.FocusPolicy.TabFocus for b in row.findChildren(QAbstractButton))
    press(Qt.Key.Key_Delete)
    answer(qtbot, shown, "Cancel and remove")
    row_of(qtbot, shown, made[0], JobState.CANCELLED)
    rows[0].second.setFocus()
    press(Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: made[0] not in shown.rows)
    assert any(row.isAncestorOf(shown.focusWidget()) for row in shown.rows.values())


def test_a_finished_model_can_be_chatted_with(qtbot: QtBot) -> None:
    row = JobRow(record(JobState.DONE, result={"files": ["/m/a.gguf", "/m/b.gguf"]}))
    qtbot.addWidget(row)
    row.show()
    assert row.open.isVisible()
    with qtbot.waitSignal(row.opened) as opened:
        row.open.click()
    assert opened.args == ["/m/a.gguf"]
    row.set_record(record(JobState.DONE, result={"files": ["/m/config.json"]}, error=JobFailure("x", "y")))
    assert not row.open.isVisible()


def test_markup_in_a_title_is_text(qtbot: QtBot) -> None:
    row = JobRow(record(title="<b>bold</b>", error=JobFailure("hub", "<img src=x>")))
    qtbot.addWidget(row)
    assert row.title.textFormat() == Qt.TextFormat.PlainText
    assert row.error.textFormat() == Qt.TextFormat.PlainText


def test_jobs_known_before_the_list_was_made(qtbot: QtBot, jobs: JobOperations, tmp_path: Path) -> None:
    job = count(jobs, tmp_path, until=1)
    qtbot.waitUntil(lambda: any(r.state == JobState.DONE for r in jobs.records()), timeout=20_000)
    late = JobList(jobs, "Nothing here yet.")
    qtbot.addWidget(late)
    assert list(late.rows) == [job]
