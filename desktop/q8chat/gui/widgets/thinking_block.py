"""What a model thought before it answered: folded away until somebody asks."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.body import Body
from q8chat.gui.widgets.text_styles import Styles


class ThinkingBlock(QWidget):
    """A line to click on; the thoughts below it. Nothing is read or built while it is folded."""

    resized = Signal()

    def __init__(self, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self._styles = styles
        self._head = QToolButton(self)
        self._head.setProperty("kind", "flat")
        self._head.setObjectName("thinkingHead")
        self._head.setCheckable(True)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._head.toggled.connect(self._toggle)
        self.body = Body(styles, self)
        self.body.hide()
        self.body.resized.connect(self.resized)
        self._toggle(False)

    def show_thinking(self, text: str, *, open_: bool) -> None:
        """Show these thoughts; `open_` while they are still being written."""
        title = "Thinking…" if open_ else "Thought for a moment"
        self._head.setText(title)
        self._head.setAccessibleName(title)
        self.body.set_text(text, final=not open_)

    def set_styles(self, styles: Styles) -> None:
        """Other colours or another font."""
        self._styles = styles
        self.body.set_styles(styles)

    def _toggle(self, unfolded: bool) -> None:
        self.body.setVisible(unfolded)
        name = "chevron-down" if unfolded else "chevron-right"
        self._head.setIcon(theme.icon(name, theme.colors().muted))
        self._head.setAccessibleDescription("Unfolded" if unfolded else "Folded")
        self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        """The icon follows the colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._head.setIcon(
                theme.icon("chevron-down" if self.unfolded else "chevron-right", theme.colors().muted)
            )

    @property
    def unfolded(self) -> bool:
        """Whether the thoughts are shown."""
        return self._head.isChecked()

    @property
    def _margin(self) -> int:
        return round(self._styles.em * 1.2)

    def read(self, deadline: float) -> bool:
        """As Body.read."""
        return self.unfolded and self.body.read(deadline)

    def realize(self, top: int, bottom: int, width: int, deadline: float) -> bool:
        """As Body.realize."""
        if not self.unfolded:
            return False
        y = self.body.y()
        return self.body.realize(top - y, bottom - y, width - self._margin, deadline)

    def fit(self, width: int) -> int:
        """Place both; returns the height."""
        hint = self._head.sizeHint()
        self._head.setGeometry(0, 0, hint.width(), hint.height())
        height = hint.height()
        if self.unfolded:
            height += self._styles.em // 2
            self.body.move(self._margin, height)
            height += self.body.fit(width - self._margin)
        self.resize(width, height)
        return height

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A bar beside the thoughts."""
        if self.unfolded:
            em = self._styles.em
            bar = QRect(em // 2, self.body.y(), max(2, em // 7), self.body.height())
            QPainter(self).fillRect(bar, QColor(self._styles.colors.border))
