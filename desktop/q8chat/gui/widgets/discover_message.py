"""What stands in the place of results: how to begin, nothing found, offline, the hub can't be reached."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.gui.discover_text import START, Message


class DiscoverMessage(QWidget):
    """A title, a text, and at most one button."""

    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        center = Qt.AlignmentFlag.AlignHCenter
        self.title, self.text = QLabel(wordWrap=True, alignment=center), QLabel(wordWrap=True, alignment=center)
        for label, role in ((self.title, "title"), (self.text, "muted")):
            label.setProperty("role", role)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        u = theme.unit()
        self.text.setMaximumWidth(70 * u)
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.button.clicked.connect(self.acted)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        column.addStretch(2)
        column.addWidget(self.title)
        column.addLayout(_centred(self.text, 20))
        column.addSpacing(u)
        column.addLayout(_centred(self.button, 0))
        column.addStretch(3)
        self.message = START
        self.show_message(START)

    def show_message(self, message: Message) -> None:
        """Say this."""
        self.message = message
        self.title.setText(message.title)
        self.text.setText(message.text)
        self.text.setVisible(bool(message.text))
        self.button.setText(message.action)
        self.button.setVisible(bool(message.action))
        self.setAccessibleName(f"{message.title} {message.text}".strip())
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))


def _centred(widget: QWidget, stretch: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(widget, stretch)
    row.addStretch(1)
    return row
