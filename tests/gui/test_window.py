"""The real window on the real service and a real database, without a model."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from q8chat.chat.events import EngineStatus
from q8chat.chat.store import Store
from q8chat.chat.types import Conversation
from q8chat.core import paths
from q8chat.core import settings as settings_file
from q8chat.gui import dialogs, theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.panels.chat_panel import ChatPanel
from q8chat.gui.panels.convert_panel import ConvertPanel
from q8chat.gui.panels.machine_panel import MachinePanel
from q8chat.gui.panels.models_panel import ModelsPanel
from q8chat.gui.panels.registry import PANELS

Open = Callable[..., MainWindow]


@pytest.fixture
def talks(home: Path) -> list[Conversation]:
    """Three conversations in the store; the second has a message that only another branch shows."""
    with Store(paths.database_path()) as store:
        made = []
        for title, text in (("Rain", "rainbows are bent light"), ("Cats", "cats purr"), ("Empty", "")):
            conversation = store.create_conversation(title)
            if text:
                question = store.add_message(conversation.id, None, "user", text)
                store.add_message(conversation.id, question.id, "assistant", f"Yes: {text}.")
            made.append(conversation)
        store.add_message(made[1].id, None, "user", "dogs bark")
        return made


def chat(window: MainWindow) -> ChatPanel:
    assert isinstance(window.chat, ChatPanel)
    return window.chat


def open_talk(qtbot: QtBot, window: MainWindow, talk: Conversation) -> ChatPanel:
    panel = chat(window)
    model = panel.sidebar.list.conversations
    qtbot.waitUntil(lambda: model.row_of(talk.id) > 0)
    row = panel.sidebar.list.visualRect(model.index(model.row_of(talk.id)))
    QTest.mouseClick(panel.sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    qtbot.waitUntil(lambda: panel._current is not None and panel._current.id == talk.id)
    return panel


def test_a_first_start_greets(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    assert chat(window).empty.isVisible()
    assert not chat(window).transcript.isVisible()
    assert chat(window).composer.edit.isEnabled()
    qtbot.waitUntil(lambda: chat(window).settings_pane.presets.combo.count() > 1)


def test_conversations_open_and_keep_their_drafts(
    open_window: Open, qtbot: QtBot, talks: list[Conversation]
) -> None:
    window = open_window()
    QTest.keyClicks(chat(window).composer.edit, "not yet decided")
    panel = open_talk(qtbot, window, talks[0])
    assert panel.transcript.isVisible()
    assert panel.composer.edit.toPlainText() == ""
    QTest.keyClicks(panel.composer.edit, "about rain")
    open_talk(qtbot, window, talks[1])
    assert panel.composer.edit.toPlainText() == ""
    open_talk(qtbot, window, talks[0])
    assert panel.composer.edit.toPlainText() == "about rain"


def test_a_new_conversation_takes_the_draft_along_and_is_not_made_twice(
    open_window: Open, qtbot: QtBot, talks: list[Conversation]
) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel._current is not None and panel._current.id not in {t.id for t in talks})
    assert panel.empty.isVisible()
    first = panel._current
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.wait(200)
    assert panel._current == first


def test_renaming_reaches_the_store(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    QTest.keyClick(panel.sidebar.list, Qt.Key.Key_F2)
    editor = panel.sidebar.list.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Weather")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    model = panel.sidebar.list.conversations
    qtbot.waitUntil(lambda: model.index(model.row_of(talks[0].id)).data() == "Weather")
    with Store(paths.database_path()) as store:
        assert store.conversation(talks[0].id).title == "Weather"


def test_f2_renames_from_anywhere(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    with qtbot.waitActive(window):
        window.activateWindow()
    panel.composer.setFocus()
    QTest.keyClick(panel.composer.edit, Qt.Key.Key_F2)
    editor = panel.sidebar.list.findChild(QLineEdit)
    assert editor is not None
    assert editor.hasFocus()


def test_deleting_and_undoing_with_keys(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    QTest.keyClick(panel.sidebar.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(panel.sidebar.undo_bar.isVisible)
    assert panel._current is None
    assert panel.empty.isVisible()
    qtbot.waitUntil(lambda: panel.sidebar.list.conversations.row_of(talks[0].id) == -1)
    window.activateWindow()
    panel.sidebar.list.setFocus()
    QTest.keyClick(panel.sidebar.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel._current is not None and panel._current.id == talks[0].id)
    assert panel.transcript.isVisible()
    assert panel.sidebar.list.conversations.row_of(talks[0].id) > 0


@pytest.mark.parametrize(("word", "talk"), [("bent", 0), ("purr", 1)])
def test_a_search_finds_messages_on_any_branch(
    open_window: Open, qtbot: QtBot, talks: list[Conversation], word: str, talk: int
) -> None:
    window = open_window()
    panel = chat(window)
    qtbot.waitUntil(lambda: panel.sidebar.list.conversations.rowCount() > 0)
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(panel.sidebar.field, word)
    qtbot.waitUntil(panel.sidebar.results.isVisible)
    QTest.keyClick(panel.sidebar.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel._current is not None and panel._current.id == talks[talk].id)
    qtbot.waitUntil(lambda: panel._wanted_hit is None)
    assert panel.transcript.isVisible()


def test_settings_reach_the_store(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    assert not panel.settings_pane.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    assert panel.settings_pane.isVisible()
    panel.settings_pane.system_prompt.setPlainText("Rhyme.")
    window.close()  # before the pause is over
    with Store(paths.database_path()) as store:
        assert store.conversation(talks[0].id).system_prompt == "Rhyme."


def test_opening_the_settings_first_makes_a_conversation(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    panel = chat(window)
    QTest.keyClicks(panel.composer.edit, "half a thought")
    panel.model_bar.settings.click()
    qtbot.waitUntil(panel.settings_pane.isEnabled)
    assert panel.composer.edit.toPlainText() == "half a thought"


def test_a_message_without_a_model_is_kept_and_answered_with_what_to_do(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    panel = chat(window)
    QTest.keyClicks(panel.composer.edit, "hello?")
    QTest.keyClick(panel.composer.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.transcript.isVisible)
    qtbot.waitUntil(lambda: not panel._busy())
    with Store(paths.database_path()) as store:
        (conversation,) = store.conversations()
        question, answer = (p.message for p in store.path(conversation.id))
    assert question.content == "hello?"
    assert "Choose one" in answer.error


def test_a_damaged_database_is_named_set_aside_and_kept(open_window: Open, qtbot: QtBot, home: Path) -> None:
    paths.database_path().write_bytes(b"this is not a database at all" * 100)
    window = open_window()
    qtbot.waitUntil(window.banner.isVisible)
    QTest.keyClicks(chat(window).composer.edit, "precious")
    QTest.keyClick(chat(window).composer.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: chat(window).composer.edit.toPlainText() == "precious")
    assert window.banner.action.isVisible()
    window.banner.action.click()
    qtbot.waitUntil(lambda: chat(window).settings_pane.presets.combo.count() > 1)
    assert not window.banner.isVisible()
    kept = [f for f in paths.data_dir().iterdir() if f.read_bytes().startswith(b"this is not")]
    assert len(kept) == 1


def test_a_database_of_a_newer_version_is_left_alone(open_window: Open, qtbot: QtBot, home: Path) -> None:
    with Store(paths.database_path()):
        pass
    with sqlite3.connect(paths.database_path()) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    window = open_window()
    qtbot.waitUntil(window.banner.isVisible)
    assert not window.banner.action.isVisible()
    chat(window).new_conversation()
    chat(window).model_bar.settings.click()
    qtbot.wait(200)
    assert not window.banner.action.isVisible()


def test_without_any_model_the_window_says_what_to_do(
    open_window: Open, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    window = open_window()
    window._load_model("")
    assert window.banner.isVisible()
    assert "Choose a GGUF file" in window.banner.hint.text()
    chat(window).model_bar.menu.aboutToShow.emit()
    assert [a.text() for a in chat(window).model_bar.menu.actions() if a.text()] == ["Open a GGUF file…\tCtrl+O"]


def test_a_gguf_dropped_on_the_window_is_loaded(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    model = tmp_path / "Broken.gguf"
    model.write_bytes(b"GGUF")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.txt")), QUrl.fromLocalFile(str(model))])
    no_keys = Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, no_keys))
    panel = chat(window)
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.DEAD, timeout=20_000)
    assert panel.crash_notice.isVisible()
    assert "Broken" in panel.model_bar.button.text()
    assert settings_file.load().last_model == str(model)


def test_geometry_and_columns_are_remembered(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    window.resize(760, 650)
    chat(window).splitter.setSizes([240, 460, 0])
    before = chat(window).splitter_sizes()
    window.close()
    again = open_window(settings_file.load())
    assert again.size() == window.size()
    assert abs(chat(again).splitter_sizes()[0] - before[0]) <= 2


def test_it_works_at_800_by_600(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    window.resize(800, 600)
    panel = open_talk(qtbot, window, talks[0])
    panel.model_bar.settings.click()
    qtbot.wait(50)
    assert window.width() == 800
    assert window.height() == 600
    for widget in (panel.composer, panel.settings_pane, panel.model_bar.settings):
        corner = widget.mapTo(window, QPoint(widget.width(), widget.height()))
        assert corner.x() <= 800
        assert corner.y() <= 600


def test_panels_are_reached_by_mouse_and_key(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    with qtbot.waitActive(window):
        window.activateWindow()
    kinds = {1: ModelsPanel, 2: ConvertPanel, 3: MachinePanel, 0: ChatPanel}
    assert len(kinds) == len(PANELS)
    for number, kind in kinds.items():
        QTest.keyClick(window, getattr(Qt.Key, f"Key_{number + 1}"), Qt.KeyboardModifier.ControlModifier)
        assert window._stack.currentWidget() is window._panel(number)
        assert type(window._panel(number)) is kind
    window.rail._group.button(1).click()
    assert window._stack.currentWidget() is window._panel(1)


def test_everything_that_takes_the_focus_has_a_name(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    chat(window).model_bar.settings.click()
    qtbot.wait(50)
    nameless = [
        type(w).__name__
        for w in window.findChildren(QWidget)
        if w.isVisible()
        and w.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (w.accessibleName() or getattr(w, "text", lambda: "")())
    ]
    assert nameless == []


def test_tab_reaches_every_control_and_comes_back(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    window.activateWindow()
    panel = chat(window)
    panel.composer.edit.setFocus()
    qtbot.waitUntil(panel.composer.edit.hasFocus)
    reached = set()
    for _ in range(60):
        window.focusNextChild()
        reached.add(window.focusWidget())
    for widget in (
        panel.composer.edit,
        panel.model_bar.button,
        panel.model_bar.settings,
        panel.sidebar.new_button,
        panel.sidebar.field,
        panel.empty.examples[0] if panel.empty.examples[0].isEnabled() else panel.composer.edit,
        window.rail.more,
    ):
        assert widget in reached


def test_light_and_dark_switch_live(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    try:
        theme.choose("dark")
        dark = window.grab().toImage().pixelColor(window.width() // 2, 100)
        theme.choose("light")
        light = window.grab().toImage().pixelColor(window.width() // 2, 100)
    finally:
        theme.choose("system")
    assert (dark.name(), light.name()) == (theme.DARK.window, theme.LIGHT.window)


def test_the_menus_dialogs_tell_version_and_keys(open_window: Open) -> None:
    window = open_window()
    about = dialogs.about(window)
    assert any("Version" in label.text() for label in about.findChildren(QLabel))
    keys = {label.text() for label in dialogs.shortcuts(window).findChildren(QLabel)}
    assert {"Ctrl+N", "F2", "Esc", "Ctrl+,"} <= keys


def test_closing_is_quick(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    open_talk(qtbot, window, talks[0])
    started = time.monotonic()
    window.close()
    assert time.monotonic() - started < 2


def test_a_new_conversation_is_balanced(open_window: Open, qtbot: QtBot, talks: list[Conversation]) -> None:
    window = open_window()
    panel = open_talk(qtbot, window, talks[0])
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel._current is not None and panel._current.id not in {t.id for t in talks})
    assert panel._current is not None
    assert panel.settings_pane.presets.combo.currentText() == "Balanced"
    with Store(paths.database_path()) as store:
        assert store.conversation(panel._current.id).preset == "Balanced"
