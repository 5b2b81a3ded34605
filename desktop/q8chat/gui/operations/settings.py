"""The settings, saved without making the window wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal

from q8chat.chat import events
from q8chat.core import settings as settings_file
from q8chat.core.errors import Q8Error
from q8chat.core.settings import Settings


class SettingsKeeper(QObject):
    """Holds the settings and writes changes on a thread of its own, in order."""

    changed = Signal(Settings)
    saved = Signal(Settings)  # they are on disk now, where the child processes read them
    failed = Signal(events.Problem)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def update(self, **changes: Any) -> None:
        """Change fields of `Settings` by name and save."""
        self.store(replace(self.settings, **changes))

    def store(self, settings: Settings) -> None:
        """Take these settings and save them if they differ."""
        if settings != self.settings:
            self.settings = settings
            self._pool.start(lambda: self._write(settings))
            self.changed.emit(settings)

    def _write(self, settings: Settings) -> None:
        try:
            settings_file.save(settings)
            self.saved.emit(settings)
        except Q8Error as e:
            self.failed.emit(events.Problem(e.code, e.message, e.hint))
        except OSError as e:
            hint = "Check that the configuration folder is yours and writable."
            self.failed.emit(events.Problem("settings", f"The settings could not be saved: {e.strerror}.", hint))

    def finish(self) -> None:
        """Wait until everything is on disk."""
        self._pool.waitForDone(1000)
