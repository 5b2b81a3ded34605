"""How rows of the sidebar are drawn: rounded backgrounds in the scheme's colours."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.conversation_model import IdRole

Index = QModelIndex | QPersistentModelIndex


def paint_background(painter: QPainter, option: QStyleOptionViewItem) -> bool:
    """Draw the row's background; returns whether the row is selected or under the mouse."""
    c, u = theme.colors(), theme.unit()
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
    area = QRectF(option.rect).adjusted(u, 1, -u, -1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    if selected or hovered:
        painter.setBrush(QColor(c.raised))
        painter.drawRoundedRect(area, u * 0.75, u * 0.75)
    if option.state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(c.accent), 1))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), u * 0.75, u * 0.75)
    return selected or hovered


class ConversationDelegate(QStyledItemDelegate):
    """A heading in small grey, or a title with a "…" button while selected or under the mouse."""

    menu_requested = Signal(QModelIndex, QPoint)  # the point is relative to the view's viewport

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Headings have air above."""
        u, line = theme.unit(), option.fontMetrics.height()
        return QSize(8 * u, line + (2 * u if index.data(IdRole) is not None else 3 * u))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the row."""
        c, u = theme.colors(), theme.unit()
        title = index.data(Qt.ItemDataRole.DisplayRole)
        painter.save()
        text = option.rect.adjusted(2 * u, 0, -2 * u, 0)
        if index.data(IdRole) is None:
            font = QFont(option.font)
            font.setPointSizeF(font.pointSizeF() * 0.85)
            font.setWeight(QFont.Weight.DemiBold)
            painter.setFont(font)
            painter.setPen(QColor(c.muted))
            painter.drawText(text.adjusted(0, 0, 0, -u // 2), Qt.AlignmentFlag.AlignBottom, title)
        else:
            if paint_background(painter, option):
                button = self._button(option.rect)
                theme.icon("more", c.muted).paint(painter, button)
                text.setRight(button.left() - u // 2)
            painter.setPen(QColor(c.text))
            elided = option.fontMetrics.elidedText(title, Qt.TextElideMode.ElideRight, text.width())
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, elided)
        painter.restore()

    def editorEvent(self, event: QEvent, model: object, option: QStyleOptionViewItem, index: Index) -> bool:
        """A click on "…" opens the menu instead of the conversation."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            point = event.position().toPoint()
            if index.data(IdRole) is not None and self._button(option.rect).contains(point):
                self.menu_requested.emit(index, point)
                return True
        return bool(super().editorEvent(event, model, option, index))  # type: ignore[arg-type]

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """The field for renaming covers the title."""
        u = theme.unit()
        editor.setGeometry(option.rect.adjusted(u, 1, -u, -1))

    def _button(self, row: QRect) -> QRect:
        u = theme.unit()
        side = round(2.25 * u)
        return QRect(row.right() - u - u // 2 - side, row.center().y() - side // 2, side, side)
