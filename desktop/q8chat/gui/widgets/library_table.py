"""The table of models on this machine."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from q8chat.gui import theme
from q8chat.gui.library_text import COLUMNS, Entry
from q8chat.gui.widgets.library_model import EntryRole, LibraryFilterModel, LibraryRows

WIDTHS = (30, 13, 14, 11, 13, 11, 13, 12, 14, 14)  # units of the grid


class _Cells(QStyledItemDelegate):
    """Chosen cells keep the colour of their text."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        color = index.data(Qt.ItemDataRole.ForegroundRole) or QColor(theme.colors().text)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, color)


class LibraryTable(QTableView):
    """Rows can be chosen with the arrow keys; Enter opens, the menu key shows what can be done."""

    entry_chosen = Signal(object)  # Entry or None
    opened = Signal(object)  # Entry
    menu_requested = Signal(QPoint)  # on the screen
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryTable")
        self.setAccessibleName("Models on this machine")
        self.rows = LibraryRows(self)
        self.filtered = LibraryFilterModel(self.rows, self)
        self.setModel(self.filtered)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.setItemDelegate(_Cells(self))
        self._dress_header()
        self.setSortingEnabled(True)
        self.sort_by(0)
        self.doubleClicked.connect(self._open)
        self.rows.dataChanged.connect(self._on_changed)
        theme.notifier().changed.connect(self.viewport().update)

    def _dress_header(self) -> None:
        u = theme.unit()
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the menu "Sort by" is its way for keys
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, width * u)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + round(1.6 * u))

    def sort_by(self, column: int) -> None:
        """By that column; the other way round if it is sorted by it already."""
        orders = Qt.SortOrder
        header = self.horizontalHeader()
        again = header.sortIndicatorSection() == column and header.sortIndicatorOrder() == orders.AscendingOrder
        self.sortByColumn(column, orders.DescendingOrder if again else orders.AscendingOrder)

    def fill_sort_menu(self, menu: QMenu) -> None:
        """One entry per column, the one in use checked."""
        menu.clear()
        for number, column in enumerate(COLUMNS):
            action = menu.addAction(column.heading)
            action.setCheckable(True)
            action.setChecked(number == self.horizontalHeader().sortIndicatorSection())
            action.triggered.connect(lambda _checked=False, n=number: self.sort_by(n))

    def entry(self) -> Entry | None:
        """The chosen row."""
        rows = self.selectionModel().selectedRows()
        return cast("Entry", rows[0].data(EntryRole)) if rows else None

    def choose(self, path: str) -> bool:
        """Choose the row of a model; False if it is not there or filtered away."""
        for row in range(self.filtered.rowCount()):
            index = self.filtered.index(row, 0)
            if index.data(EntryRole).model.path == path:
                self.setCurrentIndex(index)
                self.scrollTo(index)
                return True
        return False

    def choose_first(self) -> None:
        """Choose the first row unless one is chosen."""
        if self.entry() is None and self.filtered.rowCount():
            self.setCurrentIndex(self.filtered.index(0, 0))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Another row, or none."""
        super().selectionChanged(selected, deselected)
        self.entry_chosen.emit(self.entry())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """With the focus comes a row, so that the keys have something to act on."""
        super().focusInEvent(event)
        self.choose_first()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Del asks to delete; what is no movement goes on to the panel."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit()
        elif event.text() == "/":
            event.ignore()
        else:
            super().keyPressEvent(event)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and the last row: cells are not chosen one by one."""
        actions = QAbstractItemView.CursorAction
        ends = {actions.MoveHome: 0, actions.MoveEnd: self.filtered.rowCount() - 1}
        if action in ends:
            return self.filtered.index(ends[action], max(0, self.currentIndex().column()))
        return super().moveCursor(action, modifiers)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Below the row for the menu key, at the mouse otherwise."""
        point = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            row = self.visualRect(self.currentIndex())
            point = self.viewport().mapToGlobal(QPoint(row.left() + 2 * theme.unit(), row.bottom()))
        if self.entry() is not None:
            self.menu_requested.emit(point)

    def _open(self) -> None:
        entry = self.entry()
        if entry is not None:
            self.opened.emit(entry)

    def _on_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        entry = self.entry()
        if entry is not None and self.rows.entries.index(entry) in range(first.row(), last.row() + 1):
            self.entry_chosen.emit(entry)
