"""Editing a message of one's own where it stands."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

MAX_LINES = 14


class _Field(QPlainTextEdit):
    accepted = Signal()
    rejected = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+Enter sends, Esc leaves."""
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and control:
            self.accepted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.rejected.emit()
        else:
            super().keyPressEvent(event)


class MessageEditor(QWidget):
    """A field with "Save & send" and "Cancel"."""

    saved = Signal(str)
    cancelled = Signal()
    resized = Signal()

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._busy = False
        self.field = _Field(text, self)
        self.field.setAccessibleName("Edit message")
        self.field.accepted.connect(self._save)
        self.field.rejected.connect(self.cancelled)
        self.field.textChanged.connect(self._changed)
        cancel = QPushButton("Cancel", self)
        cancel.setToolTip("Cancel (Esc)")
        cancel.clicked.connect(self.cancelled)
        self.save = QPushButton("Save && send", self)
        self.save.setProperty("kind", "primary")
        self.save.setToolTip("Save and send (Ctrl+Enter)")
        self.save.clicked.connect(self._save)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.save)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.field)
        box.addLayout(buttons)
        self._set_height()

    def set_busy(self, busy: bool) -> None:
        """While an answer runs nothing can be sent."""
        self._busy = busy
        self._allow()

    def _allow(self) -> None:
        self.save.setEnabled(not self._busy and bool(self.field.toPlainText().strip()))

    def _changed(self) -> None:
        self._allow()
        if self._set_height():
            self.resized.emit()

    def _set_height(self) -> bool:
        lines = min(MAX_LINES, max(3, round(self.field.document().size().height())))
        height = lines * self.field.fontMetrics().lineSpacing() + 3 * self.field.fontMetrics().height() // 2
        if height == self.field.minimumHeight():
            return False
        self.field.setFixedHeight(height)
        return True

    def _save(self) -> None:
        if self.save.isEnabled():
            self.saved.emit(self.field.toPlainText())
