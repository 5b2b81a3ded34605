"""The messages of a conversation, one below the other.

Places its messages itself: heights above the visible text change while they are being built, and only by setting
positions and the scroll bar in one go does the visible text stay where it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from q8chat.chat.types import Message, PathMessage, Status
from q8chat.gui import theme
from q8chat.gui.widgets.body import Item
from q8chat.gui.widgets.highlighter import warm_up
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.message_row import Row
from q8chat.gui.widgets.message_view import MessageView
from q8chat.gui.widgets.tab_order import order_tabs
from q8chat.gui.widgets.text_styles import Styles

TICK_MS = 40  # how often streamed text is shown
SLOW_TICK_MS = 250
SLICE = 0.008  # seconds of building in one go while idle
VISIBLE_BUDGET = 0.010  # seconds of building what is seen, before the rest is left for the next slice
_AHEAD = 2  # screens built in advance above and below
_COLUMNS = 100  # width of the column, in average characters
_SAMPLE = PathMessage(Message(0, 0, None, "user", "word", Status.COMPLETE, 0.0), 1, 1, None, None)
Anchor = tuple[Row, Item | None, int]


class Transcript(QAbstractScrollArea):
    """Shows a conversation and follows its end while the user is there."""

    edit_requested = Signal(int, str)
    regenerate_requested = Signal(int)
    switch_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName("Conversation")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rows: list[Row] = []
        self._conversation = 0
        self._following = True
        self._placing = self._busy = False
        self._highlight = 0  # a message to scroll to as soon as it is there
        self._pinned: Anchor | None = None  # stays in place until the user scrolls
        self._column = QWidget(self.viewport())
        self._styles = self._make_styles()
        self._tick = QTimer(self, singleShot=True, interval=TICK_MS)
        self._tick.timeout.connect(self._show_new_text)
        self._idle = QTimer(self, singleShot=True, interval=10)
        self._idle.timeout.connect(self._work_ahead)
        self._end = IconButton("arrow-down", "Jump to the end", parent=self)
        self._end.setObjectName("jumpToEnd")
        self._end.clicked.connect(self.jump_to_end)
        self._end.hide()
        theme.notifier().about_to_change.connect(self._release_unseen)
        theme.notifier().changed.connect(self._restyle)

    # ---- content ---------------------------------------------------------------------------------------------

    def show_path(self, path: tuple[PathMessage, ...], conversation_id: int) -> None:
        """Show these messages in place of what is there; unchanged ones keep their widgets and their place."""
        same = conversation_id == self._conversation and bool(self._rows)
        anchor = self._anchor()
        old = {row.id: row for row in self._rows} if same else {}
        sent = len(path) > len(old) and list(old) == [p.message.id for p in path[: len(old)]]
        kept = [old.get(entry.message.id) for entry in path]
        gone = [row for row in self._rows if row not in kept]
        self._rows = [row or Row(entry, self._make_view) for row, entry in zip(kept, path, strict=True)]
        for row, entry in zip(self._rows, path, strict=True):
            row.entry = entry
        if self._pinned is not None and self._pinned[0] in gone:
            self._pinned = None
        for view in (row.view for row in gone if row.view is not None):
            self._hide(view)
            view.deleteLater()
        if not same or sent:
            self._following, self._pinned = True, None
        self._conversation = conversation_id
        self._settle(None if anchor is not None and anchor[0] in gone else anchor)
        if self._highlight:
            self.highlight_message(self._highlight)

    def _make_view(self, entry: PathMessage) -> MessageView:
        view = MessageView(entry, self._styles, self._column)
        view.edit_requested.connect(self.edit_requested)
        view.regenerate_requested.connect(self.regenerate_requested)
        view.switch_requested.connect(self.switch_requested)
        view.resized.connect(self._resettle)
        view.set_busy(self._busy)
        view.show()
        return view

    def append_text(self, message_id: int, text: str) -> None:
        """More text of a streaming answer; shown with the next tick."""
        row = self._row(message_id)
        if row is not None:
            row.built().append(text)
            if not self._tick.isActive():
                self._tick.start()

    def _row(self, message_id: int) -> Row | None:
        return next((row for row in reversed(self._rows) if row.id == message_id), None)

    def finish(self, message: Message) -> None:
        """An answer ended; `message` is as stored."""
        row = self._row(message.id)
        if row is not None:
            row.entry = replace(row.entry, message=message)
            self._resettle()

    def set_busy(self, busy: bool) -> None:
        """While an answer runs, messages can't be edited or regenerated."""
        self._busy = busy
        for view in self._views():
            view.set_busy(busy)

    def _views(self) -> Iterator[MessageView]:
        return (row.view for row in self._rows if row.view is not None)

    def highlight_message(self, message_id: int) -> None:
        """Scroll to a message and let it flash; waits for it if it is not shown yet."""
        row = self._row(message_id)
        self._highlight = 0 if row else message_id
        if row is not None:
            self._following = False
            self._pinned = row, None, self._styles.em
            self._resettle()
            row.built().flash()

    def jump_to_end(self) -> None:
        """Show the end and follow it."""
        self._following, self._pinned = True, None
        self._settle(None)

    def _show_new_text(self) -> None:
        start = time.perf_counter()
        news = [view.flush() for view in self._views()]
        if any(news):
            self._resettle()
        # Text that is dear to lay out is shown less often, so that the window keeps most of the time.
        spent_ms = (time.perf_counter() - start) * 1000
        self._tick.setInterval(round(min(SLOW_TICK_MS, max(TICK_MS, 6 * spent_ms))))

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

    def warm_up(self) -> None:
        """Make a message that nobody sees: the first one takes several times as long as later ones."""
        warm_up()
        view = MessageView(_SAMPLE, self._styles, self._column)
        view.read(0)
        view.realize(0, view.fit(1000), 0)
        view.tools.ensurePolished()
        view.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home and End besides what every scroll area knows."""
        bar = self.verticalScrollBar()
        if event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            bar.setValue(0 if event.key() == Qt.Key.Key_Home else bar.maximum())
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep what the Tab key reaches in sight."""
        moved = super().focusNextPrevChild(forward)
        widget = self.window().focusWidget()
        if moved and widget is not None and self._column.isAncestorOf(widget):
            top = widget.mapTo(self._column, widget.rect().topLeft()).y()
            low, high = top - self._styles.em, top + widget.height() + self._styles.em - self.viewport().height()
            if not high <= self._scroll <= low:
                self.verticalScrollBar().setValue(low if self._scroll > low else high)
        return moved

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
