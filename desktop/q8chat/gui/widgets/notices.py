"""What is said about an answer besides its text: that it is on its way, how it ended, what went wrong."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from q8chat.chat.types import Status
from q8chat.gui import theme

ENDINGS = {
    Status.STOPPED: "Stopped",
    Status.LENGTH: "Cut off at the token limit",
    Status.CONTEXT: "The context window is full",
}
PROBLEMS = {  # where the message itself does not say why
    Status.INTERRUPTED: "The answer was interrupted.",
    Status.FAILED: "The answer could not be written.",
}


class Waiting(QWidget):
    """ "Reading the prompt" and three dots that take turns; costs nothing while it can't be seen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Reading the prompt")
        self._step = 0
        self._timer = QTimer(self)
        self._timer.setInterval(400)
        self._timer.timeout.connect(self._advance)

    def _advance(self) -> None:
        self._step = (self._step + 1) % 3
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Start."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop."""
        super().hideEvent(event)
        self._timer.stop()

    def fit(self, width: int) -> int:
        """One line."""
        self.resize(width, round(self.fontMetrics().height() * 1.6))
        return self.height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Words and dots."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(theme.colors().muted)
        painter.setPen(color)
        words = self.accessibleName()
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        em = self.fontMetrics().height()
        x = self.fontMetrics().horizontalAdvance(words) + em * 0.6
        painter.setPen(Qt.PenStyle.NoPen)
        for i in range(3):
            color.setAlphaF(1.0 if i == self._step else 0.35)
            painter.setBrush(color)
            painter.drawEllipse(QRectF(x + i * em * 0.5, self.height() / 2, em * 0.24, em * 0.24))


class Card(QWidget):
    """A warning with an icon."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def show_problem(self, text: str) -> None:
        """Say this."""
        self._text.setText(text)
        self.setAccessibleName(text)

    def fit(self, width: int) -> int:
        """Icon left, text beside it; returns the height."""
        em = self.fontMetrics().height()
        pad, left = round(em * 0.75), round(em * 2.6)
        room = width - left - pad
        height = self._text.heightForWidth(room)
        self._text.setGeometry(left, pad, room, height)
        self.resize(width, height + 2 * pad)
        return self.height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A rounded card with a warning sign."""
        c = theme.colors()
        em = self.fontMetrics().height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(c.warning)
        fill.setAlphaF(0.12)
        edge = QColor(c.warning)
        edge.setAlphaF(0.45)
        painter.setPen(edge)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em * 0.5, em * 0.5)
        side = round(em * 1.25)
        top = round(em * 0.75) + (self._text.fontMetrics().height() - side) // 2
        theme.icon("warning", c.warning).paint(painter, round(em * 0.8), top, side, side)
