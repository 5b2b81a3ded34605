"""The field for what to look for on the hub."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.search_field import SearchField

PAUSE_MS = 450  # the hub is asked each time, so longer than where only a database is


class DiscoverField(SearchField):
    """Emits `searched` when typing pauses and `entered` with Enter; Down goes on to the results."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Name, publisher/name, or the address of a model")
        self.setAccessibleName("Search the hub for models")
        self.setToolTip("Search the hub (Ctrl+F or /)")
        self.set_pause(PAUSE_MS)

    def focus(self) -> None:
        """Ready to type."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter asks once, not as a search and as a name."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.take()
            self.entered.emit()
        else:
            super().keyPressEvent(event)
