"""Hits of a search: the conversation's title over the matching passage with the matches in bold."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from q8chat.chat.types import SearchHit
from q8chat.gui import theme
from q8chat.gui.widgets.row_delegate import paint_background

Index = QModelIndex | QPersistentModelIndex
HitRole = Qt.ItemDataRole.UserRole
LINES = 2  # of the passage


class HitModel(QAbstractListModel):
    """The hits, best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hits: tuple[SearchHit, ...] = ()

    def set_hits(self, hits: tuple[SearchHit, ...]) -> None:
        """Replace all."""
        self.beginResetModel()
        self._hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """One row per hit."""
        return 0 if parent is not None and parent.isValid() else len(self._hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The hit itself, and words for screen readers."""
        hit = self._hits[index.row()]
        if role == HitRole:
            return hit
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{hit.title}: {hit.snippet}"
        return None


class HitDelegate(QStyledItemDelegate):
    """Draws one hit."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(8 * theme.unit(), (LINES + 1) * option.fontMetrics.height() + 2 * theme.unit())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Title in grey, passage below."""
        hit: SearchHit = index.data(HitRole)
        c, u = theme.colors(), theme.unit()
        painter.save()
        paint_background(painter, option)
        area = option.rect.adjusted(2 * u, u, -2 * u, -u)
        line = option.fontMetrics.height()
        painter.setPen(QColor(c.muted))
        title = option.fontMetrics.elidedText(hit.title, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.TextFlag.TextSingleLine, title)
        painter.setPen(QColor(c.text))
        painter.setClipRect(area)
        layout = passage(hit, option.font, area.width())
        layout.draw(painter, QPointF(area.left(), area.top() + line))
        painter.restore()


def passage(hit: SearchHit, font: QFont, width: int) -> QTextLayout:
    """The snippet on at most LINES lines, its matches bold."""
    # One line break is one character, so the spans stay right.
    layout = QTextLayout(hit.snippet.translate({ord("\n"): " ", ord("\r"): " "}), font)
    bold = QTextCharFormat()
    bold.setFontWeight(QFont.Weight.Bold)
    formats = []
    for start, end in hit.spans:
        span = QTextLayout.FormatRange()
        # Qt counts UTF-16 units, the spans count code points.
        span.start = _utf16(hit.snippet[:start])
        span.length = _utf16(hit.snippet[start:end])
        span.format = bold
        formats.append(span)
    layout.setFormats(formats)
    layout.setTextOption(QTextOption())
    layout.beginLayout()
    y = 0.0
    for _ in range(LINES):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, y))
        y += line.height()
    layout.endLayout()
    return layout


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class SearchResults(QListView):
    """Click, Enter or a double click opens a hit."""

    opened = Signal(SearchHit)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hits = HitModel(self)
        self.setModel(self.hits)
        self.setItemDelegate(HitDelegate(self))
        self.setAccessibleName("Search results")
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self._open)

    def show_hits(self, hits: tuple[SearchHit, ...]) -> None:
        """Show these from the top, the best one marked."""
        self.hits.set_hits(hits)
        if hits:
            self.setCurrentIndex(self.hits.index(0))

    def open_current(self) -> None:
        """Open the marked hit."""
        self._open(self.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_current()
        else:
            super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(index.data(HitRole))
