"""Messages one below the other in a scroll area.

Places its messages itself: heights above the visible text change while they are being built, and only by setting
positions and the scroll bar in one go does the visible text stay where it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFont, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.body import Item
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.message_row import Row
from q8chat.gui.widgets.message_view import MessageView
from q8chat.gui.widgets.tab_order import order_tabs
from q8chat.gui.widgets.text_styles import Styles

SLICE = 0.008  # seconds of building in one go while idle
VISIBLE_BUDGET = 0.010  # seconds of building what is seen, before the rest is left for the next slice
_AHEAD = 2  # screens built in advance above and below
_COLUMNS = 100  # width of the column, in average characters
Anchor = tuple[Row, Item | None, int]


class MessageColumn(QAbstractScrollArea):
    """Shows `_rows` and follows their end while the user is there. `_settle` after every change of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rows: list[Row] = []
        self._following = True
        self._placing = False
        self._pinned: Anchor | None = None  # stays in place until the user scrolls
        self._column = QWidget(self.viewport())
        self._styles = self._make_styles()
        self._idle = QTimer(self, singleShot=True, interval=10)
        self._idle.timeout.connect(self._work_ahead)
        self._end = IconButton("arrow-down", "Jump to the end", parent=self)
        self._end.setObjectName("jumpToEnd")
        self._end.clicked.connect(self.jump_to_end)
        self._end.hide()
        theme.notifier().about_to_change.connect(self._release_unseen)
        theme.notifier().changed.connect(self._restyle)

    def jump_to_end(self) -> None:
        """Show the end and follow it."""
        self._following, self._pinned = True, None
        self._settle(None)

    def _views(self) -> Iterator[MessageView]:
        return (row.view for row in self._rows if row.view is not None)

    # ---- geometry --------------------------------------------------------------------------------------------

    def _anchor(self) -> Anchor | None:
        """What is to stay where it is: the first piece in sight that is built, with its position on the screen."""
        if self._pinned is not None:
            return self._pinned
        top, bottom = self._scroll, self._scroll + self.viewport().height()
        fallback: Anchor | None = None
        for row in self._rows:
            if not row.touches(top, bottom):
                continue
            fallback = fallback or (row, None, row.y - top)
            for item, at in row.items():
                if item.fitted and at + item.height > top and at < bottom:
                    return row, item, at - top
        return fallback

    @property
    def _scroll(self) -> int:
        return self.verticalScrollBar().value()

    def _resettle(self) -> None:
        self._settle(self._anchor())

    def _settle(self, anchor: Anchor | None) -> None:
        """Place everything, build what is in sight, keep the anchor or the end where it is."""
        if self._placing or not self.isVisible():
            return
        self._placing = True
        deadline = time.perf_counter() + VISIBLE_BUDGET
        self._place(anchor)
        while self._realize(0, deadline):
            self._place(anchor)
            if time.perf_counter() > deadline:
                break
        self._placing = False
        self._at_end()
        self._idle.start()

    def _place(self, anchor: Anchor | None) -> None:
        em = self._styles.em
        whole = self.width()  # with the scroll bar, so that nothing moves sideways when it appears
        width = max(em * 10, min(whole - 4 * theme.unit(), _COLUMNS * self.fontMetrics().averageCharWidth()))
        left = (whole - width) // 2
        y = round(1.75 * em)
        for row in self._rows:
            row.fit(width, self._styles)
            row.place(left, y)
            y += row.height + (round(1.25 * em) if row.mine else em // 2)
        y += em
        self._column.resize(whole, max(y, self.viewport().height()))
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(3 * em)
        bar.setRange(0, max(0, y - self.viewport().height()))
        if self._following:
            self._scroll_to(bar.maximum())
        elif anchor is not None:
            row, item, offset = anchor
            at = next((at for other, at in row.items() if other is item), row.y)
            self._scroll_to(at - offset)

    def _scroll_to(self, value: int) -> None:
        placing, self._placing = self._placing, True
        self.verticalScrollBar().setValue(value)
        self._column.move(0, -self._scroll)
        self._placing = placing

    def _realize(self, margin: int, deadline: float) -> bool:
        """Read and build what is within `margin` of the visible part, the lowest first; True if it did."""
        top = self._scroll - margin
        bottom = self._scroll + self.viewport().height() + margin
        done = False
        for row in reversed(self._rows):
            if not row.touches(top, bottom):
                continue
            done = done or row.view is None
            view = row.built()
            done = view.read(deadline) or done
            done = view.realize(top - row.y, bottom - row.y, deadline) or done
            if time.perf_counter() > deadline:
                return done
        return done

    def _work_ahead(self) -> None:
        """Build a little of what is in sight or near it."""
        if not self.isVisible():
            return
        anchor = self._anchor()
        deadline = time.perf_counter() + SLICE
        self._placing = True
        done = self._realize(0, deadline) or self._realize(_AHEAD * self.viewport().height(), deadline)
        if done:
            self._place(anchor)
            self._idle.start()
        else:
            order_tabs(self, self._column)
        self._placing = False
        self._at_end()

    def _at_end(self) -> None:
        bar = self.verticalScrollBar()
        if bar.maximum() - bar.value() > 2 * self._styles.em:
            self._end.show()
        else:
            self._hide(self._end)

    def _hide(self, widget: QWidget) -> None:
        """Hide without Qt handing the focus, and with it the visible part, to whatever comes next."""
        focused = self.window().focusWidget()
        if focused is not None and (focused is widget or widget.isAncestorOf(focused)):
            self.setFocus()
        widget.hide()

    # ---- events ----------------------------------------------------------------------------------------------

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """The user moved the scroll bar (we do so under _placing)."""
        self._column.move(0, -self._scroll)
        if self._placing:
            return
        bar = self.verticalScrollBar()
        self._pinned = None
        self._following = bar.value() >= bar.maximum() - self._styles.em // 2
        self._resettle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other widths need other line breaks."""
        super().resizeEvent(event)
        self._resettle()
        side = self._end.sizeHint().height()
        x = (self.viewport().width() - side) // 2
        self._end.setGeometry(x, self.height() - side - self._styles.em, side, side)
        self._end.raise_()

    def showEvent(self, event: QShowEvent) -> None:
        """What was set while hidden is placed now."""
        super().showEvent(event)
        self._resettle()

    def changeEvent(self, event: QEvent) -> None:
        """A new font changes every size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_column"):
            self._restyle()

    def _make_styles(self) -> Styles:
        return Styles(QFont(self.font()), theme.colors())

    def _release_unseen(self) -> None:
        for row in self._rows:
            if not self.isVisible() or not row.touches(self._scroll, self._scroll + self.viewport().height()):
                row.release()

    def _restyle(self) -> None:
        anchor = self._anchor()
        self._styles = self._make_styles()
        for view in self._views():
            view.set_styles(self._styles)
        self._settle(anchor)
