"""The order in which the Tab key visits what was made in another order than it is seen."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget


def order_tabs(first: QWidget, inside: QWidget) -> None:
    """Visit `first`, then the visible widgets inside of `inside` from top to bottom."""
    stops = [w for w in inside.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible()]
    places = {w: w.mapTo(inside, QPoint(0, 0)) for w in stops}
    stops.sort(key=lambda w: (places[w].y(), places[w].x()))
    for before, after in zip([first, *stops], stops, strict=False):
        if before.nextInFocusChain() is not after:
            QWidget.setTabOrder(before, after)
