"""Where work in other threads and processes becomes Qt signals on the GUI thread. Nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QProcess, Qt, QThreadPool, Signal, Slot

from q8chat.chat import events
from q8chat.core import settings as settings_file
from q8chat.core.errors import Q8Error
from q8chat.core.settings import Settings


class ChatOperations(QObject):
    """Events of the chat service, one signal per type; `listen` may be called on any thread."""

    engine_state = Signal(events.EngineState)
    conversation_list = Signal(events.ConversationList)
    conversation_opened = Signal(events.ConversationOpened)
    conversation_changed = Signal(events.ConversationChanged)
    conversation_deleted = Signal(events.ConversationDeleted)
    message_text = Signal(events.MessageText)
    message_finished = Signal(events.MessageFinished)
    unsent = Signal(events.Unsent)
    usage_changed = Signal(events.UsageChanged)
    search_results = Signal(events.SearchResults)
    presets_changed = Signal(events.PresetsChanged)
    problem = Signal(events.Problem)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._routes = {
            events.EngineState: self.engine_state,
            events.ConversationList: self.conversation_list,
            events.ConversationOpened: self.conversation_opened,
            events.ConversationChanged: self.conversation_changed,
            events.ConversationDeleted: self.conversation_deleted,
            events.MessageText: self.message_text,
            events.MessageFinished: self.message_finished,
            events.Unsent: self.unsent,
            events.UsageChanged: self.usage_changed,
            events.SearchResults: self.search_results,
            events.PresetsChanged: self.presets_changed,
            events.Problem: self.problem,
        }
        self._arrived.connect(self._dispatch, Qt.ConnectionType.QueuedConnection)

    def listen(self, event: events.ChatEvent) -> None:
        """Take an event on a worker thread; its signal is emitted later on the GUI thread."""
        self._arrived.emit(event)

    @Slot(object)
    def _dispatch(self, event: events.ChatEvent) -> None:
        self._routes[type(event)].emit(event)


class SettingsKeeper(QObject):
    """Holds the settings and writes changes on a thread of its own, in order."""

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

    def _write(self, settings: Settings) -> None:
        try:
            settings_file.save(settings)
        except Q8Error as e:
            self.failed.emit(events.Problem(e.code, e.message, e.hint))
        except OSError as e:
            hint = "Check that the configuration folder is yours and writable."
            self.failed.emit(events.Problem("settings", f"The settings could not be saved: {e.strerror}.", hint))

    def finish(self) -> None:
        """Wait until everything is on disk."""
        self._pool.waitForDone(1000)


class JsonCommand(QObject):
    """Runs a command that prints one JSON object, without blocking the window."""

    finished = Signal(dict)
    failed = Signal(str)

    def __init__(self, command: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.setProgram(command[0])
        self._process.setArguments(list(command[1:]))
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    def start(self) -> None:
        """Run it unless it is running."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._process.start()

    def stop(self) -> None:
        """End it and say nothing."""
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(1000)

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(self._process.errorString())

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        output = bytes(self._process.readAllStandardOutput().data())
        complaint = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
        if status != QProcess.ExitStatus.NormalExit or code != 0:
            self.failed.emit(complaint.splitlines()[-1] if complaint else f"It ended with code {code}.")
            return
        try:
            answer = json.loads(output)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            self.finished.emit(answer)
        else:
            self.failed.emit("Its answer could not be understood.")
