"""What is drawn behind a message: the bubble of the user's own ones, and the flash of a search hit."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.text_styles import Styles


class MessageFrame(QWidget):
    """`bubble` is drawn unless it is empty; in this widget's coordinates."""

    def __init__(self, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self._styles = styles
        self.bubble = QRect()
        self._flash: QVariantAnimation | None = None

    def flash(self) -> None:
        """Draw attention for a moment."""
        self._flash = QVariantAnimation(self)
        self._flash.setStartValue(0.35)
        self._flash.setEndValue(0.0)
        self._flash.setDuration(1600)
        self._flash.valueChanged.connect(lambda _: self.update())
        self._flash.start()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Bubble first, flash over it."""
        flashing = self._flash is not None and self._flash.state() == QVariantAnimation.State.Running
        if self.bubble.isEmpty() and not flashing:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self._styles.em * 0.9
        if not self.bubble.isEmpty():
            painter.setBrush(QColor(self._styles.colors.user_bubble))
            painter.drawRoundedRect(self.bubble, radius, radius)
        if self._flash is not None and flashing:
            color = QColor(self._styles.colors.accent)
            color.setAlphaF(float(self._flash.currentValue()))
            painter.setBrush(color)
            painter.drawRoundedRect(self.rect() if self.bubble.isEmpty() else self.bubble, radius / 2, radius / 2)
