"""The table of instruction sets."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from q8chat.gui import machine_text, theme


class FeatureTable(QTableWidget):
    """One row per feature; as high as its rows, the page around it scrolls."""

    def __init__(self, features: list[dict[str, Any]], parent: QWidget | None = None) -> None:
        labels = ["Instruction set", *(label for _, label, _ in machine_text.COLUMNS), "In short"]
        super().__init__(len(features), len(labels), parent)
        self.setObjectName("featureTable")
        self.setAccessibleName("Instruction sets")
        self.setHorizontalHeaderLabels(labels)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(labels) - 1, QHeaderView.ResizeMode.Stretch)
        for row, feature in enumerate(features):
            self._fill(row, feature)
        for column, (_, _, meaning) in enumerate(machine_text.COLUMNS, start=1):
            self.model().setHeaderData(column, Qt.Orientation.Horizontal, meaning, Qt.ItemDataRole.ToolTipRole)
        # Rows can only be measured when the stretched column has got its width.
        self._measure = QTimer(self, singleShot=True, interval=0)
        self.setMinimumWidth(64 * theme.unit())
        self._measure.timeout.connect(self._fit_rows)
        header.sectionResized.connect(lambda *_: self._measure.start())
        theme.notifier().changed.connect(self._recolor)

    def _fill(self, row: int, feature: dict[str, Any]) -> None:
        self.setItem(row, 0, QTableWidgetItem(feature["name"]))
        for column, (key, label, _) in enumerate(machine_text.COLUMNS, start=1):
            answer = feature[key]
            item = QTableWidgetItem(machine_text.mark(answer["state"]))
            item.setToolTip(answer["reason"])
            item.setData(Qt.ItemDataRole.UserRole, answer["state"])
            words = f"{label}: {machine_text.WORDS[answer['state']]}. {answer['reason']}"
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            self.setItem(row, column, item)
        self.setItem(row, self.columnCount() - 1, QTableWidgetItem(feature["summary"]))
        self._color(row)

    def _color(self, row: int) -> None:
        c = theme.colors()
        for column in range(1, self.columnCount()):
            index = self.model().index(row, column)
            color = c.good if index.data(Qt.ItemDataRole.UserRole) == "yes" else c.muted
            self.model().setData(index, QColor(color), Qt.ItemDataRole.ForegroundRole)

    def _recolor(self) -> None:
        for row in range(self.rowCount()):
            self._color(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrapped reasons change the height."""
        super().resizeEvent(event)
        self._measure.start()

    def _fit_rows(self) -> None:
        self.resizeRowsToContents()
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """All rows."""
        rows = sum(self.rowHeight(i) for i in range(self.rowCount()))
        return QSize(60 * theme.unit(), rows + self.horizontalHeader().height() + 2)
