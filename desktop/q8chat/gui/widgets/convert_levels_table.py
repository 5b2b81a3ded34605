"""The table of levels: as high as its rows, so that the page scrolls and not the table."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from q8chat.gui import theme
from q8chat.gui.convert_text import COLUMNS, Level
from q8chat.gui.widgets.convert_levels_model import LevelRole, LevelRows

EXPECT = next(n for n, column in enumerate(COLUMNS) if column.heading == "What to expect")


class _Cells(QStyledItemDelegate):
    """Chosen cells keep the colour of their text."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        color = index.data(Qt.ItemDataRole.ForegroundRole) or QColor(theme.colors().text)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, color)


class LevelTable(QTableView):
    """Arrow keys choose a row, Enter goes on."""

    level_chosen = Signal(object)  # Level or None
    entered = Signal()
    row_moved = Signal(QRect)  # where the chosen row is now, for whatever scrolls

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("levelTable")
        self.setAccessibleName("Levels")
        self.setAccessibleDescription("Choose with the arrow keys; Enter goes on to the button that starts.")
        self.rows = LevelRows(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.setItemDelegate(_Cells(self))
        self._dress_header()
        self.doubleClicked.connect(self.entered)
        self.rows.modelReset.connect(self._fit_height)
        self.rows.dataChanged.connect(lambda *_: self.level_chosen.emit(self.level()))
        theme.notifier().changed.connect(self.viewport().update)

    def _dress_header(self) -> None:
        u = theme.unit()
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for number, column in enumerate(COLUMNS):
            self.setColumnWidth(number, column.width * u)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + round(1.4 * u))

    def level(self) -> Level | None:
        """The chosen row."""
        rows = self.selectionModel().selectedRows()
        return cast("Level", rows[0].data(LevelRole)) if rows else None

    def choose(self, name: str) -> bool:
        """The row of that level; False if there is none."""
        number = next((n for n, level in enumerate(self.rows.levels) if level.row.level == name), None)
        if number is not None:
            self.setCurrentIndex(self.rows.index(number, 0))
        return number is not None

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Another row, or none."""
        super().selectionChanged(selected, deselected)
        self.level_chosen.emit(self.level())
        if self.hasFocus():
            self.row_moved.emit(self.visualRect(self.currentIndex()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """With the focus comes a row."""
        super().focusInEvent(event)
        if self.level() is None and self.rows.levels:
            self.setCurrentIndex(self.rows.index(0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and the last row: cells are not chosen one by one."""
        actions = QAbstractItemView.CursorAction
        ends = {actions.MoveHome: 0, actions.MoveEnd: self.rows.rowCount() - 1}
        if action in ends:
            return self.rows.index(ends[action], max(0, self.currentIndex().column()))
        return super().moveCursor(action, modifiers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is left of the width goes to the column with the longest texts."""
        super().resizeEvent(event)
        u = theme.unit()
        others = sum(self.columnWidth(n) for n in range(len(COLUMNS)) if n != EXPECT)
        self.setColumnWidth(EXPECT, max(COLUMNS[EXPECT].width * u, self.viewport().width() - others))
        self._fit_height()

    def _fit_height(self) -> None:
        rows = self.rows.rowCount() * self.verticalHeader().defaultSectionSize()
        header = self.horizontalHeader().sizeHint().height()
        bar = self.horizontalScrollBar()
        width = sum(self.columnWidth(n) for n in range(len(COLUMNS)))
        below = bar.sizeHint().height() if width > self.viewport().width() else 0
        self.setFixedHeight(header + rows + below + 2 * self.frameWidth() + 2)
