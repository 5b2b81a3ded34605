"""The row above the table of models: filter, sorting, folders, looking again."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.library_filter import LibraryFilter


class LibraryHead(QWidget):
    """`sort_menu` is filled by whoever sorts, when it is about to show."""

    folders_requested = Signal()
    scan_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter = LibraryFilter()
        self.sort = IconButton("sort", "Sort by")
        self.sort_menu = QMenu(self.sort)
        self.sort.setMenu(self.sort_menu)
        self.sort.setPopupMode(self.sort.ToolButtonPopupMode.InstantPopup)
        self.folders = IconButton("folder", "Model folders…")
        self.refresh = IconButton("refresh", "Look for models again", shortcut="F5")
        self.folders.clicked.connect(self.folders_requested)
        self.refresh.clicked.connect(self.scan_requested)
        u = theme.unit()
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * u, u, 2 * u, u)
        row.setSpacing(u // 2)
        row.addWidget(self.filter, 1)
        for button in (self.sort, self.folders, self.refresh):
            row.addWidget(button)
