"""The table of every quantization a repository offers."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, Qt, Signal
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
from q8chat.gui.offers import Offer
from q8chat.gui.quant_text import COLUMNS
from q8chat.gui.widgets.quant_table_model import CPU, STATE, OfferRole, QuantRows
from q8chat.gui.widgets.quant_table_state import StateCell

LEAST_ROWS = 4  # with the header


class _Cells(QStyledItemDelegate):
    """Chosen cells keep the colour of their text."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        color = index.data(Qt.ItemDataRole.ForegroundRole) or QColor(theme.colors().text)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, color)


class QuantTable(QTableView):
    """Arrow keys choose a row, Enter does with it what its button would."""

    offer_chosen = Signal(object)  # Offer or None
    acted = Signal(Offer)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("quantTable")
        self.setAccessibleName("Quantizations")
        self.setAccessibleDescription(
            "Enter downloads the chosen one, or chats with it when it is on this machine."
        )
        self.rows = QuantRows(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.setItemDelegate(_Cells(self))
        self._dress_header()
        self.doubleClicked.connect(self._act)
        self.rows.modelReset.connect(self._make_cells)
        self.rows.dataChanged.connect(self._on_changed)
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
        height = self.fontMetrics().height() + round(2.6 * u)
        self.verticalHeader().setDefaultSectionSize(height)
        self.setMinimumHeight(LEAST_ROWS * height)

    def offer(self) -> Offer | None:
        """The chosen row."""
        rows = self.selectionModel().selectedRows()
        return cast("Offer", rows[0].data(OfferRole)) if rows else None

    def cell(self, row: int) -> StateCell | None:
        """The last cell of a row."""
        return cast("StateCell | None", self.indexWidget(self.rows.index(row, STATE)))

    def choose(self, name: str) -> None:
        """The row of that quantization, if there is one."""
        number = next((n for n, offer in enumerate(self.rows.offers) if offer.name == name), None)
        if number is not None:
            self.setCurrentIndex(self.rows.index(number, 0))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Another row, or none."""
        super().selectionChanged(selected, deselected)
        self.offer_chosen.emit(self.offer())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """With the focus comes a row."""
        super().focusInEvent(event)
        if self.offer() is None and self.rows.offers:
            self.setCurrentIndex(self.rows.index(0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter acts; what is no movement goes on to the page."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._act()
        elif event.text() == "/":
            event.ignore()
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
        others = sum(self.columnWidth(n) for n in range(len(COLUMNS)) if n != CPU)
        self.setColumnWidth(CPU, max(15 * u, self.viewport().width() - others))

    def _act(self) -> None:
        offer = self.offer()
        if offer is not None:
            self.acted.emit(offer)

    def _make_cells(self) -> None:
        for row, offer in enumerate(self.rows.offers):
            cell = StateCell()
            cell.show_offer(offer)
            cell.clicked.connect(lambda row=row: self.acted.emit(self.rows.offers[row]))
            self.setIndexWidget(self.rows.index(row, STATE), cell)

    def _on_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        for row in range(first.row(), last.row() + 1):
            cell = self.cell(row)
            if cell is not None:
                cell.show_offer(self.rows.offers[row])
        offer = self.offer()
        if offer is not None and first.row() <= self.currentIndex().row() <= last.row():
            self.offer_chosen.emit(offer)
