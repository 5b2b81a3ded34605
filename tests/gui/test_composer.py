"""Writing a message: keys, growth, pasting, and never losing text."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from q8chat.gui.widgets.composer import Composer, Draft
from q8chat.gui.widgets.message_edit import LONG_PASTE, MAX_LINES


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    widget = Composer()
    qtbot.addWidget(widget)
    widget.resize(500, 100)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def paste(composer: Composer, text: str, html: str = "") -> None:
    mime = QMimeData()
    mime.setText(text)
    if html:
        mime.setHtml(html)
    QGuiApplication.clipboard().setMimeData(mime)
    composer.edit.paste()


def test_enter_sends_and_shift_enter_breaks_the_line(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.edit, "one")
    with qtbot.assertNotEmitted(composer.submitted):
        QTest.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.edit, "two")
    with qtbot.waitSignal(composer.submitted):
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert composer.take().message() == "one\ntwo"
    assert composer.draft() == Draft()


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_is_not_sent(composer: Composer, qtbot: QtBot, text: str) -> None:
    composer.edit.setPlainText(text)
    with qtbot.assertNotEmitted(composer.submitted):
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)


def test_it_grows_with_its_lines_up_to_eight(composer: Composer) -> None:
    heights = []
    for lines in (1, 2, MAX_LINES, MAX_LINES + 5):
        composer.edit.setPlainText("\n".join("x" * lines))
        heights.append(composer.edit.height())
        assert composer.edit.lines() == min(lines, MAX_LINES)
    assert heights[0] < heights[1] < heights[2] == heights[3]
    composer.edit.clear()
    assert composer.edit.height() == heights[0]


def test_wrapped_lines_count(composer: Composer) -> None:
    composer.edit.setPlainText("word " * 60)
    assert 2 < composer.edit.lines() <= MAX_LINES


def test_all_lines_are_visible_without_scrolling(composer: Composer) -> None:
    composer.edit.setPlainText("a\nb\nc")
    composer.edit.moveCursor(composer.edit.textCursor().MoveOperation.End)
    assert composer.edit.verticalScrollBar().maximum() == 0


def test_pasting_is_plain_text(composer: Composer) -> None:
    paste(composer, "bold", "<b>bold</b><img src='file:///etc/passwd'>")
    assert composer.edit.toPlainText() == "bold"
    assert not composer.edit.textCursor().charFormat().font().bold()


def test_a_very_long_paste_is_kept_whole_and_apart(composer: Composer) -> None:
    text = "0123456789" * 500_000
    QTest.keyClicks(composer.edit, "Sum this up:")
    paste(composer, text)
    assert composer.edit.toPlainText() == "Sum this up:"
    assert composer.draft() == Draft("Sum this up:", text)
    assert composer.take().message() == f"Sum this up:\n\n{text}"


def test_a_paste_can_be_removed(composer: Composer) -> None:
    paste(composer, "x" * (LONG_PASTE + 1))
    assert composer._chip.isVisible()
    composer._remove.click()
    assert composer.draft() == Draft()
    assert not composer._chip.isVisible()
    assert not composer.button.isEnabled()


def test_the_button_stops_while_an_answer_is_written(composer: Composer, qtbot: QtBot) -> None:
    assert not composer.button.isEnabled()
    composer.set_busy(True)
    assert composer.button.isEnabled()
    assert composer.button.accessibleName() == "Stop the answer"
    QTest.keyClicks(composer.edit, "next")
    with qtbot.assertNotEmitted(composer.submitted):
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    with qtbot.waitSignal(composer.stop_requested):
        composer.button.click()
    composer.set_busy(False)
    assert composer.draft().text == "next"
    with qtbot.waitSignal(composer.submitted):
        composer.button.click()


@pytest.mark.parametrize(
    ("back", "begun", "after"),
    [
        ("hello", Draft(), Draft("hello")),
        ("hello", Draft("and more"), Draft("hello\nand more")),
        ("x" * (LONG_PASTE + 1), Draft("more"), Draft("more", "x" * (LONG_PASTE + 1))),
    ],
)
def test_text_that_could_not_be_sent_comes_back(composer: Composer, back: str, begun: Draft, after: Draft) -> None:
    composer.set_draft(begun)
    composer.give_back(back)
    assert composer.draft() == after


def test_tab_leaves_the_field(composer: Composer, qtbot: QtBot) -> None:
    composer.activateWindow()
    composer.edit.setPlainText("text")
    composer.edit.setFocus()
    qtbot.waitUntil(composer.edit.hasFocus)
    QTest.keyClick(composer.edit, Qt.Key.Key_Tab)
    assert composer.edit.toPlainText() == "text"
    assert composer.button.hasFocus()
