"""A table of an answer. Wide ones scroll sideways."""

from __future__ import annotations

from PySide6.QtGui import (
    QColor,
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableFormat,
)
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.markdown_leaves import BOLD, Spans, Table
from q8chat.gui.widgets.text_styles import Styles, alignment
from q8chat.gui.widgets.text_view import TextView


class TableView(TextView):
    """Shows one `Table`; while it grows only new and changed cells are set."""

    def __init__(self, styles: Styles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._styles = styles
        self._shown: Table | None = None
        self._table: QTextTable | None = None
        self.document().setDefaultFont(styles.font)

    def show_table(self, table: Table) -> None:
        """Show it, keeping the cells that are the same."""
        old = self._shown
        if table == old:
            return
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        shape = (table.aligns, table.weights, table.part)
        keeps = (
            old is not None and shape == (old.aligns, old.weights, old.part) and len(table.rows) >= len(old.rows)
        )
        if self._table is None or not keeps:
            self.document().clear()
            self._table = cursor.insertTable(len(table.rows), len(table.aligns), self._format(table))
            old = None
        elif len(table.rows) > self._table.rows():
            self._table.appendRows(len(table.rows) - self._table.rows())
        for i, row in enumerate(table.rows):
            before = old.rows[i] if old is not None and i < len(old.rows) else None
            if row != before:
                self._fill_row(i, row, table)
        cursor.endEditBlock()
        self._shown = table

    def _format(self, table: Table) -> QTextTableFormat:
        em = self._styles.em
        fmt = QTextTableFormat()
        fmt.setBorderCollapse(True)
        fmt.setBorder(1)
        fmt.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        fmt.setBorderBrush(QColor(self._styles.colors.border))
        fmt.setCellPadding(round(em * 0.5))
        fmt.setCellSpacing(0)
        fmt.setHeaderRowCount(0 if table.part else 1)
        if table.weights:
            whole = sum(table.weights)
            kind = QTextLength.Type.PercentageLength
            fmt.setColumnWidthConstraints([QTextLength(kind, 100 * w / whole) for w in table.weights])
            fmt.setWidth(QTextLength(kind, 100))
        return fmt

    def _fill_row(self, index: int, row: tuple[Spans, ...], table: Table) -> None:
        if self._table is None:
            return
        header = index == 0 and not table.part
        block = QTextBlockFormat()
        block.setLineHeight(115, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        for column, cell_spans in enumerate(row[: self._table.columns()]):
            cell = self._table.cellAt(index, column)
            if header:
                fmt = cell.format()
                fmt.setBackground(QColor(self._styles.colors.code_background))
                cell.setFormat(fmt)
            cursor = cell.firstCursorPosition()
            cursor.setPosition(cell.lastCursorPosition().position(), cursor.MoveMode.KeepAnchor)
            block.setAlignment(alignment(table.aligns[column]))
            cursor.setBlockFormat(block)
            cursor.removeSelectedText()
            for span in cell_spans:
                style = span.style | (BOLD if header else 0)
                cursor.insertText(span.text.replace("\n", "\u2028"), self._styles.char(style, 0, span.href))
