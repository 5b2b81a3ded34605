"""Work elsewhere becomes signals on the GUI thread, in order, and failures of it become words."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from q8chat.chat import events
from q8chat.core import settings as settings_file
from q8chat.core.settings import Settings
from q8chat.gui.operations import ChatOperations, JsonCommand, SettingsKeeper


def test_events_arrive_in_order_on_the_gui_thread(qtbot: QtBot) -> None:
    operations = ChatOperations()
    seen: list[tuple[int, bool]] = []
    operations.message_text.connect(lambda e: seen.append((e.message_id, QThread.isMainThread())))

    def work() -> None:
        for i in range(100):
            operations.listen(events.MessageText(1, i, "x"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == []
    qtbot.waitUntil(lambda: len(seen) == 100)
    assert seen == [(i, True) for i in range(100)]


def test_every_event_of_the_service_has_a_signal() -> None:
    assert set(ChatOperations()._routes) == set(get_args(events.ChatEvent))


def test_settings_are_saved_in_the_background(qtbot: QtBot) -> None:
    keeper = SettingsKeeper(Settings())
    for width in range(20):
        keeper.update(splitter=(width, 1, 1))
    keeper.update(appearance="dark")
    keeper.finish()
    assert settings_file.load() == Settings(splitter=(19, 1, 1), appearance="dark")


def test_settings_that_cannot_be_saved_are_reported(qtbot: QtBot, home: Path) -> None:
    (home / "config").write_text("a file where the folder should be")
    keeper = SettingsKeeper(Settings())
    with qtbot.waitSignal(keeper.failed) as failed:
        keeper.update(appearance="dark")
    assert failed.args[0].code == "settings"
    assert "could not be saved" in failed.args[0].message
    keeper.finish()


def test_a_command_gives_its_json(qtbot: QtBot) -> None:
    command = JsonCommand([sys.executable, "-c", "print('{\"a\": [1, 2]}')"])
    with qtbot.waitSignal(command.finished) as finished:
        command.start()
    assert finished.args == [{"a": [1, 2]}]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit('q8chat: no such thing')", "q8chat: no such thing"),
        ("raise SystemExit(3)", "It ended with code 3."),
        ("print('nonsense')", "Its answer could not be understood."),
        ("print('[]')", "Its answer could not be understood."),
    ],
)
def test_a_command_that_fails_says_why(qtbot: QtBot, code: str, reason: str) -> None:
    command = JsonCommand([sys.executable, "-c", code])
    with qtbot.waitSignal(command.failed) as failed:
        command.start()
    assert failed.args == [reason]


def test_a_command_that_does_not_exist_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    command = JsonCommand([str(tmp_path / "nothing")])
    with qtbot.waitSignal(command.failed) as failed:
        command.start()
    assert failed.args[0]


def test_a_command_can_be_stopped(qtbot: QtBot) -> None:
    command = JsonCommand([sys.executable, "-c", "import time; time.sleep(60)"])
    command.start()
    with qtbot.assertNotEmitted(command.failed):
        command.stop()
