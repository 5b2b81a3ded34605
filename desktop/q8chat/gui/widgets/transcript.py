"""A conversation: its messages, the text that streams in, and what the user does with them."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from q8chat.chat.types import Message, PathMessage, Status
from q8chat.gui.widgets.highlighter import warm_up
from q8chat.gui.widgets.message_column import MessageColumn
from q8chat.gui.widgets.message_row import Row
from q8chat.gui.widgets.message_view import MessageView

TICK_MS = 40  # how often streamed text is shown
SLOW_TICK_MS = 250
_SAMPLE = PathMessage(Message(0, 0, None, "user", "word", Status.COMPLETE, 0.0), 1, 1, None, None)


class Transcript(MessageColumn):
    """Emits what is to be done with a message, by its id."""

    edit_requested = Signal(int, str)
    regenerate_requested = Signal(int)
    switch_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName("Conversation")
        self._conversation = 0
        self._busy = False
        self._highlight = 0  # a message to scroll to as soon as it is there
        self._tick = QTimer(self, singleShot=True, interval=TICK_MS)
        self._tick.timeout.connect(self._show_new_text)

    def show_path(self, path: tuple[PathMessage, ...], conversation_id: int) -> None:
        """Show these messages in place of what is there; unchanged ones keep their widgets and their place."""
        same = conversation_id == self._conversation and bool(self._rows)
        anchor = self._anchor()
        old = {row.id: row for row in self._rows} if same else {}
        sent = len(path) > len(old) and list(old) == [p.message.id for p in path[: len(old)]]
        kept = [old.get(entry.message.id) for entry in path]
        kept_ids = {row.id for row in kept if row is not None}
        gone = [row for row in self._rows if row.id not in kept_ids]
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

    def highlight_message(self, message_id: int) -> None:
        """Scroll to a message and let it flash; waits for it if it is not shown yet."""
        row = self._row(message_id)
        self._highlight = 0 if row else message_id
        if row is not None:
            self._following = False
            self._pinned = row, None, self._styles.em
            self._resettle()
            row.built().flash()

    def _show_new_text(self) -> None:
        start = time.perf_counter()
        news = [view.flush() for view in self._views()]
        if any(news):
            self._resettle()
        # Text that is dear to lay out is shown less often, so that the window keeps most of the time.
        spent_ms = (time.perf_counter() - start) * 1000
        self._tick.setInterval(round(min(SLOW_TICK_MS, max(TICK_MS, 6 * spent_ms))))

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
