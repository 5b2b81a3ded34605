"""A small bar that shows how full the context is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from q8chat.gui import theme
from q8chat.gui.engine_text import WARN_AT


class Gauge(QWidget):
    """Turns to the warning colour at 80 %."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.share = 0.0
        self.setAccessibleName("Context used")

    def set_share(self, share: float) -> None:
        """0 is empty, 1 is full."""
        self.share = min(1.0, max(0.0, share))
        self.setAccessibleDescription(f"{self.share:.0%}")
        self.update()

    def color(self) -> str:
        """The colour of the filled part."""
        return theme.colors().warning if self.share >= WARN_AT else theme.colors().accent

    def sizeHint(self) -> QSize:
        """Six units wide."""
        return QSize(6 * theme.unit(), theme.unit())

    def minimumSizeHint(self) -> QSize:
        """May shrink to half."""
        return QSize(4 * theme.unit(), theme.unit())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A rounded bar in the middle of the height."""
        height = max(4, theme.unit() // 2)
        area = QRectF(0, (self.height() - height) / 2, self.width(), height)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colors().border))
        painter.drawRoundedRect(area, height / 2, height / 2)
        if self.share > 0:
            area.setWidth(max(height, area.width() * self.share))
            painter.setBrush(QColor(self.color()))
            painter.drawRoundedRect(area, height / 2, height / 2)
