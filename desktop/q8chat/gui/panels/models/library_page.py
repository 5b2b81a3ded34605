"""On this machine: every model in one table, with its details beside it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from q8chat.gui.context import AppContext
from q8chat.gui.widgets.library_filter import LibraryFilter


class LibraryPage(QWidget):
    """Asks the worker for the models and shows them."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.filter = LibraryFilter()
        column = QVBoxLayout(self)
        column.addWidget(self.filter)
        column.addStretch(1)

    def focus_search(self) -> None:
        """Ready to type a filter."""
        self.filter.focus()
