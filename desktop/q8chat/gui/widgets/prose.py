"""Paragraphs, headings, lists and quotations in one text document; only what changed is set anew."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QTextBlock, QTextCursor
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.markdown_leaves import Leaf, Rule, Text
from q8chat.gui.widgets.text_styles import QUOTE, RULE, TASK, TASKS, Styles, space_before
from q8chat.gui.widgets.text_view import TextView


class ProseView(TextView):
    """Shows a run of leaves."""

    def __init__(self, styles: Styles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._styles = styles
        self._leaves: tuple[Leaf, ...] = ()
        self._starts: list[int] = []  # position in the document where each leaf begins
        self._decorated = False
        self.document().setDefaultFont(styles.font)
        self.document().setIndentWidth(styles.indent)

    def show_leaves(self, leaves: Sequence[Leaf]) -> None:
        """Show these; leaves that are already there stay untouched."""
        new = tuple(leaves)
        old = self._leaves
        same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        if same == len(old) == len(new):
            return
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        self._truncate(cursor, same)
        for i in range(same, len(new)):
            self._append(cursor, new[i - 1] if i else None, new[i])
        cursor.endEditBlock()
        self._leaves = new

    def _truncate(self, cursor: QTextCursor, keep: int) -> None:
        if keep >= len(self._starts):
            return
        # The paragraph separator before the first leaf to go belongs to it.
        cursor.setPosition(max(0, self._starts[keep] - 1))
        cursor.movePosition(cursor.MoveOperation.End, cursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        del self._starts[keep:]

    def _append(self, cursor: QTextCursor, previous: Leaf | None, leaf: Leaf) -> None:
        if not isinstance(leaf, Text | Rule):
            raise TypeError(leaf)
        cursor.movePosition(cursor.MoveOperation.End)
        styles = self._styles
        level = leaf.level if isinstance(leaf, Text) else 0
        fmt = styles.block(leaf, space_before(previous, leaf))
        if self._starts:
            cursor.insertBlock(fmt, styles.char(level=level))
        else:
            cursor.setBlockFormat(fmt)
            cursor.setBlockCharFormat(styles.char(level=level))
        self._starts.append(cursor.position())
        own = cursor.currentList()
        if own is not None:  # a new block inherits the list of the one before
            own.remove(cursor.block())
            cursor.setBlockFormat(fmt)
        if isinstance(leaf, Rule):
            self._decorated = True
            return
        self._decorated = self._decorated or bool(leaf.quote)
        self._decorated = self._decorated or leaf.marker in TASKS
        if leaf.marker and leaf.marker not in TASKS:
            cursor.createList(styles.list_item(leaf))
        for span in leaf.spans:
            text = span.text if leaf.plain else span.text.replace("\n", "\u2028")
            cursor.insertText(text, styles.char(span.style, level, span.href))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text, and the bars and lines a text document can't draw."""
        if self._decorated:
            painter = QPainter(self.viewport())
            block = self.cursorForPosition(event.rect().topLeft()).block()
            layout = self.document().documentLayout()
            while block.isValid():
                rect = layout.blockBoundingRect(block)
                if rect.top() > event.rect().bottom():
                    break
                self._decorate(painter, block, rect)
                block = block.next()
            painter.end()
        super().paintEvent(event)

    def _decorate(self, painter: QPainter, block: QTextBlock, rect: QRectF) -> None:
        fmt = block.blockFormat()
        em = self._styles.em
        color = QColor(self._styles.colors.border)
        if fmt.property(RULE):
            painter.fillRect(QRectF(0, round(rect.center().y()), self.width(), max(1, em // 14)), color)
        if fmt.property(TASK):
            text_left = self._styles.indent * fmt.indent() + fmt.leftMargin()
            self._draw_task(painter, text_left - 1.45 * em, rect.top() + em * 0.1, done=fmt.property(TASK) == "☑")
        after = block.next()
        for i in range(int(fmt.property(QUOTE) or 0)):
            goes_on = after.isValid() and int(after.blockFormat().property(QUOTE) or 0) > i
            layout = self.document().documentLayout()
            bottom = layout.blockBoundingRect(after).top() if goes_on else rect.bottom()
            painter.fillRect(QRectF(i * em, rect.top(), max(2, em // 6), bottom - rect.top()), color)

    def _draw_task(self, painter: QPainter, x: float, y: float, *, done: bool) -> None:
        c, em = self._styles.colors, self._styles.em
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(c.accent if done else c.muted), em / 12))
        painter.setBrush(QColor(c.accent) if done else Qt.BrushStyle.NoBrush)
        side = em * 0.95
        painter.drawRoundedRect(QRectF(x, y, side, side), em / 6, em / 6)
        if done:
            painter.setPen(QPen(QColor(c.on_accent), em / 8))
            points = ((0.22, 0.52), (0.42, 0.72), (0.78, 0.28))
            painter.drawPolyline([QPointF(x + a * side, y + b * side) for a, b in points])
        painter.restore()
