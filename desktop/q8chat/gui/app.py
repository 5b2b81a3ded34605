"""Starting and ending the window."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from q8chat import __version__
from q8chat.chat.service import ChatService
from q8chat.core import settings as settings_file
from q8chat.gui import errors, theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.operations import ChatOperations, SettingsKeeper

FREEZE_MS = 2000  # after the start, when everything that stays has been imported


def run(argv: list[str]) -> int:
    """Show the window until it is closed; returns the exit code. `argv` may name a GGUF file to load."""
    if _no_screen():
        print(
            "q8chat: There is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set."
            " Start it in a desktop session, or chat in the terminal: q8chat chat MODEL.gguf",
            file=sys.stderr,
        )
        return 1
    app = QApplication([sys.argv[0]])
    app.setApplicationName("q8chat")
    app.setApplicationDisplayName("Q8 Chat")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("q8chat")
    app.setWindowIcon(theme.icon("chat", theme.LIGHT.accent))
    errors.install_hook()
    settings = SettingsKeeper(settings_file.load())
    theme.start(app, settings.settings.appearance)
    operations = ChatOperations()
    window = MainWindow(ChatService(operations.listen), operations, settings)
    window.closed.connect(app.quit)
    app.setQuitOnLastWindowClosed(False)  # the window decides, after everything is saved
    window.show()
    model = next((str(Path(a).absolute()) for a in argv if not a.startswith("-")), "")
    QTimer.singleShot(0, lambda: window.start(model))
    QTimer.singleShot(FREEZE_MS, shorten_collections)
    with _closing_on_signals(window):
        return app.exec()


def shorten_collections() -> None:
    """Take what is there now, modules above all, out of Python's garbage collections.

    A full collection that visits it stops the window for 20 ms, in the middle of an answer.
    """
    gc.freeze()


def _no_screen() -> bool:
    """Whether Qt would abort the process because there is nothing to draw on."""
    return sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & os.environ.keys()


@contextmanager
def _closing_on_signals(window: MainWindow) -> Iterator[None]:
    """SIGTERM (end of the session) and Ctrl+C close the window properly.

    Python runs signal handlers between its own instructions only; the socket wakes Qt's loop up for them.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: reader.recv(1))
    previous_fd = signal.set_wakeup_fd(writer.fileno())
    previous = {s: signal.signal(s, lambda *_: window.close()) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        notifier.setEnabled(False)
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous_fd)
        reader.close()
        writer.close()
