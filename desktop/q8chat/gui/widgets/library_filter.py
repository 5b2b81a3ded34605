"""The field that narrows the table of models down."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from q8chat.gui import theme


class LibraryFilter(QLineEdit):
    """`textChanged` tells each change; Down goes on to the table; Esc clears."""

    left_down = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Filter by name, family, quantization…")
        self.setAccessibleName("Filter the models")
        self.setToolTip("Filter the models (Ctrl+F or /)")
        self.setClearButtonEnabled(True)
        self._lens: QAction = self.addAction(
            theme.icon("search", theme.colors().muted), QLineEdit.ActionPosition.LeadingPosition
        )

    def focus(self) -> None:
        """Ready to type."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc clears; Down and Enter move into the table."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left_down.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """The lens follows the colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._lens.setIcon(theme.icon("search", theme.colors().muted))
