"""How a hit is drawn: name and publisher, below it what is known about the repository."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from q8chat.gui import discover_text, theme
from q8chat.gui.widgets.row_delegate import paint_background
from q8chat.hub.types import RepoHit

Index = QModelIndex | QPersistentModelIndex
HitRole = Qt.ItemDataRole.UserRole
SEPARATOR = "  ·  "


class HitDelegate(QStyledItemDelegate):
    """Everything that counts is written in words; the lock only repeats one of them."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Two lines with air around."""
        return QSize(20 * theme.unit(), 2 * option.fontMetrics.height() + round(3.5 * theme.unit()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the row."""
        hit: RepoHit = index.data(HitRole)
        c, u, line = theme.colors(), theme.unit(), option.fontMetrics.height()
        painter.save()
        paint_background(painter, option)
        area = option.rect.adjusted(2 * u, round(1.4 * u), -2 * u, 0)
        self._paint_name(painter, option, QRect(area.left(), area.top(), area.width(), line), hit)
        painter.setFont(option.font)
        painter.setPen(QColor(c.muted))
        below = QRect(area.left(), area.top() + line + u // 2, area.width(), line)
        facts = SEPARATOR.join(discover_text.hit_facts(hit))
        painter.drawText(
            below, _FLAGS, option.fontMetrics.elidedText(facts, Qt.TextElideMode.ElideRight, below.width())
        )
        painter.restore()

    def _paint_name(self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, hit: RepoHit) -> None:
        c, u = theme.colors(), theme.unit()
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(bold)
        name = metrics.elidedText(discover_text.name_of(hit.repo), Qt.TextElideMode.ElideMiddle, area.width())
        painter.setFont(bold)
        painter.setPen(QColor(c.text))
        painter.drawText(area, _FLAGS, name)
        left = area.left() + metrics.horizontalAdvance(name) + u
        painter.setFont(option.font)
        painter.setPen(QColor(c.muted))
        words = option.fontMetrics.elidedText(
            hit.publisher, Qt.TextElideMode.ElideRight, max(0, area.right() - left)
        )
        painter.drawText(QRect(left, area.top(), max(0, area.right() - left), area.height()), _FLAGS, words)
        left += option.fontMetrics.horizontalAdvance(words) + u
        side = round(area.height() * 0.8)
        if hit.gated and left + side + 6 * u < area.right():
            theme.icon("lock", c.warning).paint(painter, QRect(left, area.center().y() - side // 2, side, side))
            painter.setPen(QColor(c.warning))
            painter.drawText(area.adjusted(left + side + u // 2 - area.left(), 0, 0, 0), _FLAGS, "gated")


_FLAGS = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
