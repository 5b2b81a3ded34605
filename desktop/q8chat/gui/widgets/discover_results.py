"""What a search has found: two lines for each repository, and a button for more."""

from __future__ import annotations

from typing import Any, cast

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import discover_text, theme
from q8chat.gui.widgets.discover_row import HitDelegate, HitRole
from q8chat.hub.types import RepoHit

Index = QModelIndex | QPersistentModelIndex


class HitModel(QAbstractListModel):
    """The hits so far."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hits: list[RepoHit] = []

    def rowCount(self, parent: Index | None = None) -> int:
        """Hits."""
        return 0 if parent is not None and parent.isValid() else len(self.hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, what is said of it, and the hit itself."""
        hit = self.hits[index.row()]
        roles: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: hit.repo,
            Qt.ItemDataRole.ToolTipRole: hit.repo,
            Qt.ItemDataRole.AccessibleTextRole: discover_text.spoken(hit),
            HitRole: hit,
        }
        return roles.get(role)

    def set_hits(self, hits: tuple[RepoHit, ...]) -> None:
        """Other ones."""
        self.beginResetModel()
        self.hits = list(hits)
        self.endResetModel()

    def add(self, hits: tuple[RepoHit, ...]) -> None:
        """The next ones; a repository that moved down meanwhile is not shown twice."""
        known = {hit.repo for hit in self.hits}
        new = [hit for hit in hits if hit.repo not in known]
        if new:
            first = len(self.hits)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.hits += new
            self.endInsertRows()


class HitList(QListView):
    """Arrow keys choose, Enter or a click opens."""

    opened = Signal(RepoHit)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hitList")
        self.setAccessibleName("Models found")
        self.found = HitModel(self)
        self.setModel(self.found)
        self.setItemDelegate(HitDelegate(self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.clicked.connect(self._open)
        theme.notifier().changed.connect(self.viewport().update)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """With the focus comes a row."""
        super().focusInEvent(event)
        if not self.currentIndex().isValid():
            self.setCurrentIndex(self.found.index(0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.text() == "/":
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(cast("RepoHit", index.data(HitRole)))


class DiscoverResults(QWidget):
    """The list, and below it how many there are and a button for more."""

    more_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = HitList()
        self.summary = QLabel()
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.more = QPushButton("More")
        self.more.setAccessibleName("Show more results")
        self.more.clicked.connect(self.more_requested)
        u = theme.unit()
        foot = QFrame()
        foot.setObjectName("libraryFoot")
        row = QHBoxLayout(foot)
        row.setContentsMargins(2 * u, u // 2, 2 * u, u // 2)
        row.addWidget(self.summary, 1)
        row.addWidget(self.more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.list, 1)
        column.addWidget(foot)

    def show_hits(self, hits: tuple[RepoHit, ...], *, more: bool) -> None:
        """Of a new search."""
        self.list.found.set_hits(hits)
        self.list.scrollToTop()
        self._count(more)

    def add_hits(self, hits: tuple[RepoHit, ...], *, more: bool) -> None:
        """The next page; the focus goes on from where it was."""
        first = len(self.list.found.hits)
        self.list.found.add(hits)
        if self.more.hasFocus() and not more:
            self.list.setFocus()
        if first < len(self.list.found.hits):
            self.list.setCurrentIndex(self.list.found.index(first, 0))
        self._count(more)

    def _count(self, more: bool) -> None:
        self.summary.setText(discover_text.found(len(self.list.found.hits), more))
        self.more.setVisible(more)
