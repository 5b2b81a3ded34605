"""A dressed application, and the real window on the real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from q8chat.chat.service import ChatService
from q8chat.core.settings import Settings
from q8chat.gui import theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.operations import ChatOperations, SettingsKeeper


@pytest.fixture(scope="session", autouse=True)
def dressed(qapp: QApplication) -> None:
    """Style sheet and palette as in the application."""
    theme.start(qapp)


@pytest.fixture
def open_window(qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[..., MainWindow]]:
    """Makes windows whose service has opened the store; `window.start()` would load a model too."""
    windows: list[MainWindow] = []

    def make(settings: Settings | None = None) -> MainWindow:
        operations = ChatOperations()
        service = ChatService(operations.listen)
        window = MainWindow(service, operations, SettingsKeeper(settings or Settings()))
        operations.setParent(window)
        windows.append(window)
        window.show()
        service.start()
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()
    qapp.processEvents()
