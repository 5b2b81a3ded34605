"""The real window, the real service and the real starter model: from the first start to an answer."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from q8chat.chat.events import EngineStatus
from q8chat.chat.store import Store
from q8chat.chat.types import Message, Status
from q8chat.core import paths
from q8chat.core.settings import Settings
from q8chat.gui.main_window import MainWindow
from q8chat.gui.models import starter_model
from q8chat.gui.panels.chat_panel import ChatPanel

Open = Callable[..., MainWindow]
pytestmark = pytest.mark.skipif(starter_model() is None, reason="the starter model is not installed")


@pytest.fixture
def panel(open_window: Open, qtbot: QtBot) -> ChatPanel:
    """A window whose model is ready."""
    window = open_window()
    assert window._models.load_first()
    assert isinstance(window.chat, ChatPanel)
    chat = window.chat
    qtbot.waitUntil(lambda: chat._engine.status == EngineStatus.READY, timeout=30_000)
    return chat


def stored() -> list[Message]:
    with Store(paths.database_path()) as store:
        (conversation,) = store.conversations()
        return [p.message for p in store.path(conversation.id)]


def test_a_first_run_reaches_an_answer_with_one_click(panel: ChatPanel, qtbot: QtBot) -> None:
    assert "is ready" in panel.empty.model.text()
    QTest.mouseClick(panel.empty.examples[0], Qt.MouseButton.LeftButton)
    assert panel._busy()
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.WRITING, timeout=20_000)
    assert panel.transcript.isVisible()
    assert panel.composer.button.accessibleName() == "Stop the answer"
    qtbot.waitUntil(lambda: "tokens/s" in panel.status_line.speed.text(), timeout=20_000)
    QTest.keyClicks(panel.composer.edit, "typed meanwhile")
    QTest.keyClick(panel.composer.edit, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not panel._busy())
    assert panel.composer.edit.toPlainText() == "typed meanwhile"
    question, answer = stored()
    assert question.content == panel.empty.examples[0].text()
    assert answer.status in (Status.STOPPED, Status.COMPLETE)
    assert answer.content


def test_a_chosen_context_length_is_used_now_and_at_the_next_load(panel: ChatPanel, qtbot: QtBot) -> None:
    before = panel._engine
    assert before.loaded is not None
    panel.model_bar.context_chosen.emit(before.path, 2048)
    qtbot.waitUntil(lambda: panel._engine.loaded not in (None, before.loaded), timeout=30_000)
    assert panel._engine.loaded is not None
    assert panel._engine.loaded.n_ctx == 2048
    panel.reload_model()
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.LOADING, timeout=30_000)
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.READY, timeout=30_000)
    assert panel._engine.loaded.n_ctx == 2048


def test_what_is_sent_while_the_model_loads_is_answered_when_it_is_ready(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(Settings(last_model="/gone/Model.gguf"))
    assert window._models.load_first()  # the last model is gone, so the starter is taken
    assert isinstance(window.chat, ChatPanel)
    chat = window.chat
    QTest.keyClicks(chat.composer.edit, "Say hi.")
    QTest.keyClick(chat.composer.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: chat._engine.status == EngineStatus.WRITING, timeout=30_000)
    QTest.mouseClick(chat.composer.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not chat._busy())
    assert stored()[0].content == "Say hi."


def test_closing_while_an_answer_is_written_saves_it_within_two_seconds(panel: ChatPanel, qtbot: QtBot) -> None:
    QTest.keyClicks(panel.composer.edit, "Tell a very long story about a king.")
    QTest.keyClick(panel.composer.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.WRITING, timeout=20_000)
    started = time.monotonic()
    panel.window().close()
    assert time.monotonic() - started < 2
    answer = stored()[1]
    assert answer.status == Status.STOPPED
    assert answer.content


def test_a_killed_engine_is_named_and_one_click_loads_it_again(panel: ChatPanel, qtbot: QtBot) -> None:
    QTest.keyClicks(panel.composer.edit, "Tell a very long story about a queen.")
    QTest.keyClick(panel.composer.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.WRITING, timeout=20_000)
    for child in psutil.Process().children():
        if "engine" in child.cmdline():
            child.kill()
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.DEAD, timeout=10_000)
    assert panel.crash_notice.isVisible()
    assert panel._engine.problem
    # The answer that tells the reason is saved first and then comes with the next event.
    qtbot.waitUntil(lambda: panel.crash_notice.label.text() == "The model is not running.", timeout=10_000)
    assert not panel._busy()
    answer = stored()[1]
    assert answer.status == Status.INTERRUPTED
    assert answer.error == panel._engine.problem  # which the card in the answer says
    QTest.mouseClick(panel.crash_notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel._engine.status == EngineStatus.READY, timeout=30_000)
    assert panel.crash_notice.isHidden()
