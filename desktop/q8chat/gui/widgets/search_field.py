"""The field that searches all messages."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from q8chat.gui import theme

PAUSE_MS = 150


class SearchField(QLineEdit):
    """Emits `searched` when typing pauses ("" when cleared); Enter and Down go on to the results."""

    searched = Signal(str)
    entered = Signal()
    left_down = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Search all messages")
        self.setAccessibleName("Search all messages")
        self.setToolTip("Search all messages (Ctrl+K)")
        self.setClearButtonEnabled(True)
        self._lens: QAction = self.addAction(
            theme.icon("search", theme.colors().muted), QLineEdit.ActionPosition.LeadingPosition
        )
        self._last = ""
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._search)
        self.textChanged.connect(self._on_text)

    def set_pause(self, ms: int) -> None:
        """How long typing must pause."""
        self._timer.setInterval(ms)

    def take(self) -> str:
        """What is in the field now; it is not emitted once more when typing pauses."""
        self._timer.stop()
        self._last = self.text().strip()
        return self._last

    def changeEvent(self, event: QEvent) -> None:
        """The lens follows the colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._lens.setIcon(theme.icon("search", theme.colors().muted))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc clears; Enter opens the best hit; Down moves into the results."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._search()
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Down:
            self.left_down.emit()
        else:
            super().keyPressEvent(event)

    def _on_text(self, text: str) -> None:
        if text.strip():
            self._timer.start()
        else:
            self._search()

    def _search(self) -> None:
        self._timer.stop()
        text = self.text().strip()
        if text != self._last or not text:
            self._last = text
            self.searched.emit(text)
