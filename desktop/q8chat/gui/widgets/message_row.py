"""A message of the transcript that may not have its widget yet: long conversations are mostly out of sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QCoreApplication, QEvent

from q8chat.chat.types import PathMessage
from q8chat.gui.widgets.body import Item
from q8chat.gui.widgets.message_view import MessageView
from q8chat.gui.widgets.text_styles import Styles


class Row:
    """`y` and `height` in pixels within the column; the height is estimated until there is a view."""

    def __init__(self, entry: PathMessage, make: Callable[[PathMessage], MessageView]) -> None:
        self._entry, self._make = entry, make
        self.view: MessageView | None = None
        self.y = self.height = 0
        self._width = 0  # that the height is for

    @property
    def entry(self) -> PathMessage:
        """What is shown."""
        return self.view.entry if self.view is not None else self._entry

    @entry.setter
    def entry(self, entry: PathMessage) -> None:
        if self.view is None:
            self._entry = entry
        elif self.view.entry != entry:
            self.view.show_entry(entry)

    @property
    def id(self) -> int:
        """The message's."""
        return self._entry.message.id

    @property
    def mine(self) -> bool:
        """Whether the user wrote it."""
        return self._entry.message.role == "user"

    def built(self) -> MessageView:
        """Its widget, made now if need be."""
        if self.view is None:
            self.view = self._make(self._entry)
        return self.view

    def release(self) -> None:
        """Give the widget up if it holds nothing that the message does not say; it is made again when needed."""
        if self.view is not None and self.view.disposable:
            self._entry = self.view.entry
            self.view.hide()
            self.view.deleteLater()
            QCoreApplication.sendPostedEvents(self.view, QEvent.Type.DeferredDelete)  # now, not later
            self.view = None

    def fit(self, width: int, styles: Styles) -> int:
        """Measure for this width; returns the height."""
        if self.view is not None:
            self.height = self.view.fit(width)
        elif width != self._width:
            text = self._entry.message.content
            per_line = max(8.0, width * (0.8 if self.mine else 1.0) / (styles.em * 0.5))
            lines = len(text) / per_line + 0.6 * text.count("\n") + 1
            self.height = round((lines * 1.65 + (1.4 if self.mine else 2.6)) * styles.em)
        self._width = width
        return self.height

    def place(self, x: int, y: int) -> None:
        """Move it there."""
        self.y = y
        if self.view is not None and (self.view.x() != x or self.view.y() != y):
            self.view.move(x, y)

    def touches(self, top: int, bottom: int) -> bool:
        """Whether any of it lies between."""
        return self.y < bottom and self.y + self.height > top

    def items(self) -> Iterator[tuple[Item, int]]:
        """As MessageView.items, with positions within the column."""
        if self.view is not None:
            yield from ((item, self.y + at) for item, at in self.view.items())
