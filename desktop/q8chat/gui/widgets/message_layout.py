"""Where the parts of a message stand. Nothing is made here, only placed."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QPushButton, QWidget

from q8chat.gui.widgets.message_actions import MessageActions
from q8chat.gui.widgets.message_parts import Parts
from q8chat.gui.widgets.text_styles import Styles


def _shown(widget: QWidget | None) -> bool:
    return widget is not None and not widget.isHidden()


def place(parts: Parts, styles: Styles, width: int, *, mine: bool, tools: bool) -> tuple[int, QRect]:
    """Place everything for this width; returns the height and the bubble (empty for an answer).

    `tools`: keep room for the buttons, also if they are not made yet.
    """
    em = styles.em
    bubble = QRect()
    if mine:
        bubble = _place_mine(parts, styles, width)
        y = bubble.height()
    else:
        y = _place_answer(parts, styles, width)
    if parts.ending is not None and _shown(parts.ending):
        parts.ending.setGeometry(0, y + em // 2, width, parts.ending.sizeHint().height())
        y += em // 2 + parts.ending.height()
    if parts.card is not None and _shown(parts.card):
        parts.card.move(0, y + em // 2)
        y += em // 2 + parts.card.fit(width)
    if not tools:
        return y, bubble
    return _place_tools(parts.tools, em, width, bubble, y), bubble


def _place_tools(tools: MessageActions | None, em: int, width: int, bubble: QRect, y: int) -> int:
    """Beside the bubble if there is room, so that question and answer stay together; else below."""
    height = round(em * 2.2)
    needed = tools.sizeHint().width() if tools is not None else 0
    if not bubble.isEmpty() and needed + em // 2 <= bubble.left():
        if tools is not None:
            low = bubble.height() - height - em // 4
            tools.setGeometry(0, min(low, max(0, low)), bubble.left() - em // 2, height)
        return y
    if tools is not None:
        tools.setGeometry(0, y + em // 4, width, height)
    return y + em // 4 + height


def _place_answer(parts: Parts, styles: Styles, width: int) -> int:
    y = 0
    if parts.thinking is not None and _shown(parts.thinking):
        parts.thinking.move(0, y)
        y += parts.thinking.fit(width) + styles.em // 2
    if parts.waiting is not None and _shown(parts.waiting):
        parts.waiting.move(0, y)
        y += parts.waiting.fit(width)
    parts.body.move(0, y)
    y += parts.body.fit(width)
    return _place_all(parts.all, styles, 0, y)


def _place_mine(parts: Parts, styles: Styles, width: int) -> QRect:
    pad_x, pad_y = round(styles.em * 1.1), round(styles.em * 0.7)
    limit = round(width * 0.8) - 2 * pad_x
    if parts.editor is not None:
        height = parts.editor.sizeHint().height()
        parts.editor.setGeometry(pad_x, pad_y, width - 2 * pad_x, height)
        return QRect(0, 0, width, height + 2 * pad_y)
    inner = limit if _shown(parts.all) else parts.body.natural_width(limit)
    left = width - inner - pad_x
    parts.body.move(left, pad_y + styles.lead)
    y = pad_y + parts.body.fit(inner)
    y = _place_all(parts.all, styles, left - pad_x // 2, y) + pad_y
    return QRect(left - pad_x, 0, inner + 2 * pad_x, y)


def _place_all(button: QPushButton | None, styles: Styles, x: int, y: int) -> int:
    if button is None or button.isHidden():
        return y
    hint = button.sizeHint()
    button.setGeometry(x, y + styles.em // 3, hint.width(), hint.height())
    return y + styles.em // 3 + hint.height()
