"""Problems become banners that say what to do; defects of the program become a dialog, never a bare traceback."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from q8chat.chat.events import Problem
from q8chat.gui import errors
from q8chat.gui.errors import ErrorPresenter
from q8chat.gui.widgets.banner import Banner


@pytest.fixture
def banner(qtbot: QtBot) -> Banner:
    widget = Banner()
    qtbot.addWidget(widget)
    return widget


def test_a_problem_is_shown_with_what_to_do(banner: Banner) -> None:
    ErrorPresenter(banner, lambda: None).show(Problem("disk_full", "The disk is full.", "Free some space."))
    assert not banner.isHidden()
    assert (banner.text.text(), banner.hint.text()) == ("The disk is full.", "Free some space.")
    assert banner.property("tone") == "danger"
    assert banner.action.isHidden()
    assert banner.accessibleName() == "The disk is full. Free some space."
    banner.close_button.click()
    assert banner.isHidden()


def test_a_message_is_never_taken_for_html(banner: Banner) -> None:
    ErrorPresenter(banner, lambda: None).show(Problem("x", "<img src='http://a/b.png'> failed", ""))
    assert banner.text.text() == "<img src='http://a/b.png'> failed"
    assert banner.text.textFormat() == banner.text.textFormat().PlainText


def test_a_damaged_database_can_be_set_aside(banner: Banner) -> None:
    done: list[bool] = []
    presenter = ErrorPresenter(banner, lambda: done.append(True))
    presenter.show(Problem("store_damaged", "The chat database is damaged.", ""))
    assert banner.action.text() == "Set the damaged file aside and start fresh"
    banner.action.click()
    assert done == [True]
    assert banner.isHidden()


def test_a_newer_database_is_never_offered_to_be_set_aside(banner: Banner) -> None:
    presenter = ErrorPresenter(banner, lambda: None)
    presenter.show(Problem("store_too_new", "It is from a newer version.", ""))
    presenter.show(Problem("store", "The chat history is not open.", ""))
    assert banner.text.text() == "It is from a newer version."
    assert "Update Q8 Chat" in banner.hint.text()
    assert banner.action.isHidden()


def test_a_database_in_use_is_never_offered_to_be_set_aside(banner: Banner) -> None:
    presenter = ErrorPresenter(banner, lambda: None)
    presenter.show(Problem("store", "The chat history is in use by another program.", "Close it."))
    assert banner.action.isHidden()


def test_once_the_store_works_a_new_problem_is_shown(banner: Banner) -> None:
    presenter = ErrorPresenter(banner, lambda: None)
    presenter.show(Problem("store", "First.", ""))
    presenter.store_works()
    presenter.show(Problem("store", "Second.", ""))
    assert banner.text.text() == "Second."


@pytest.fixture
def hook(qapp: QApplication) -> Iterator[None]:
    before = sys.excepthook
    errors.install_hook()
    yield
    sys.excepthook = before


def open_dialogs() -> list[QMessageBox]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_defect_is_logged_and_shown_once(qtbot: QtBot, caplog: pytest.LogCaptureFixture, in_thread: bool) -> None:
    def fail() -> None:
        for _ in range(3):
            try:
                raise ZeroDivisionError("by accident")
            except ZeroDivisionError as e:
                sys.excepthook(type(e), e, e.__traceback__)

    with caplog.at_level(logging.ERROR):
        if in_thread:
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
        else:
            fail()
        qtbot.waitUntil(lambda: bool(open_dialogs()))
    (dialog,) = open_dialogs()
    assert dialog.text() == "Something went wrong inside Q8 Chat."
    assert "by accident" in dialog.detailedText()
    assert caplog.text.count("by accident") >= 3
    dialog.accept()
    qtbot.waitUntil(lambda: not open_dialogs())
