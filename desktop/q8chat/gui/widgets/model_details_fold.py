"""A heading that folds what is below it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from q8chat.gui import theme


class Fold(QWidget):
    """Folded at first; Space or a click unfolds it."""

    def __init__(self, title: str, inside: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inside = inside
        self.head = QToolButton()
        self.head.setObjectName("foldHead")
        self.head.setProperty("kind", "flat")
        self.head.setText(title)
        self.head.setAccessibleName(title)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.head.setCursor(Qt.CursorShape.PointingHandCursor)
        self.head.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.head.toggled.connect(self._toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.unit() // 2)
        column.addWidget(self.head)
        column.addWidget(inside)
        self._toggle(False)

    def changeEvent(self, event: QEvent) -> None:
        """The arrow follows the colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_arrow()

    def _toggle(self, unfolded: bool) -> None:
        self.inside.setVisible(unfolded)
        self.head.setAccessibleDescription("Unfolded" if unfolded else "Folded")
        self._show_arrow()

    def _show_arrow(self) -> None:
        name = "chevron-down" if self.head.isChecked() else "chevron-right"
        self.head.setIcon(theme.icon(name, theme.colors().muted))
