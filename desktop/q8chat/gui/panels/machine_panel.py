"""This machine: what the processor has, what the system allows, and what llama.cpp makes of it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from q8chat.core.child_process import command
from q8chat.gui import theme
from q8chat.gui.context import AppContext
from q8chat.gui.operations import JsonCommand
from q8chat.gui.widgets.machine_report import MachineReport


class MachinePanel(QScrollArea):
    """Asks `q8chat cpu --json` in a process of its own when first shown."""

    def __init__(self, _context: AppContext | None = None) -> None:
        super().__init__(widgetResizable=True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._command = JsonCommand(command("cpu", "--json"), self)
        self._command.finished.connect(self.show_report)
        self._command.failed.connect(self._on_failed)
        self._asked = False
        self.report: MachineReport | None = None
        self._message = QLabel("Looking at this machine…", wordWrap=True)
        self._message.setProperty("role", "muted")
        u = theme.unit()
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(4 * u, 3 * u, 4 * u, 4 * u)
        self._column.setSpacing(2 * u)
        title = QLabel("This machine")
        title.setProperty("role", "title")
        self._column.addWidget(title)
        self._column.addWidget(self._message)
        self._column.addStretch(1)
        self.setWidget(page)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask once."""
        super().showEvent(event)
        if not self._asked:
            self._asked = True
            self._command.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window is closing: nobody waits for the answer any more."""
        self._command.stop()
        super().closeEvent(event)

    @Slot(dict)
    def show_report(self, report: dict[str, Any]) -> None:
        """Show the answer of the command."""
        self._message.hide()
        if self.report is not None:
            self.report.deleteLater()
        self.report = MachineReport(report)
        self._column.insertWidget(1, self.report)

    @Slot(str)
    def _on_failed(self, reason: str) -> None:
        self._asked = False  # the next visit asks again
        self._message.setText(f"This machine could not be examined. {reason}")
