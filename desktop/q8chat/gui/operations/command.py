"""A command of ours, run without making the window wait."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, Signal, Slot


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
