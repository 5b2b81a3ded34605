"""A text as a column of widgets, built only where it is seen.

A body knows its text from the start but reads and lays it out in slices: what is not built yet has an estimated
height. `fit` places, `realize` builds; the transcript calls both and keeps the visible text where it is.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.code_block import CodeBlock
from q8chat.gui.widgets.markdown_leaves import Code, Table, Text
from q8chat.gui.widgets.markdown_stream import MarkdownStream, clean
from q8chat.gui.widgets.prose import ProseView
from q8chat.gui.widgets.segments import Grouper, PlainStream, Segment, Stream, size
from q8chat.gui.widgets.table_view import TableView
from q8chat.gui.widgets.text_styles import Styles, left_margin, space_before

_FEED = 2000  # characters read at once
View = ProseView | TableView | CodeBlock


@dataclass(slots=True, eq=False)
class Item:
    """A segment and its widget, once it has one. Heights and positions in pixels."""

    segment: Segment
    view: View | None = None
    height: int = 0
    fitted: int = 0  # width the height belongs to, 0 for an estimate
    guessed: int = 0  # width the estimate was made for
    top: int = 0


class Body(QWidget):
    """Shows a growing text: Markdown, or plain for what the user typed."""

    resized = Signal()  # something inside changed its height by itself

    def __init__(self, styles: Styles, parent: QWidget | None = None, *, plain: bool = False) -> None:
        super().__init__(parent)
        self._styles = styles
        self._plain = plain
        self._text = ""
        self._final = False
        self._natural: tuple[int, int] | None = None  # limit and width, see natural_width
        self.items: list[Item] = []
        self._reset()

    def _reset(self) -> None:
        self._stream: Stream = PlainStream() if self._plain else MarkdownStream()
        self._grouper = Grouper()
        self._fed = 0
        self._closed = False

    @property
    def text(self) -> str:
        """The text that is shown."""
        return self._text

    def set_text(self, text: str, *, final: bool) -> None:
        """Show this text; what it has in common with the text before, at the beginning, is kept."""
        if text == self._text and final == self._final:
            return
        grows = not self._closed and text.startswith(self._text)
        self._text, self._final, self._natural = text, final, None
        if not grows:
            self._reset()

    def set_styles(self, styles: Styles) -> None:
        """Other colours or another font: everything is built again."""
        self._styles, self._natural = styles, None
        for item in self.items:
            self._drop(item)

    def read(self, deadline: float) -> bool:
        """Parse until the deadline (perf_counter); False when there was nothing to do."""
        if self._closed or (self._fed >= len(self._text) and not self._final):
            return False
        while self._fed < len(self._text):
            self._stream.feed(self._text[self._fed : self._fed + _FEED])
            self._fed = min(len(self._text), self._fed + _FEED)
            if time.perf_counter() > deadline:
                break
        if self._final and self._fed >= len(self._text):
            before = self._stream.closed
            self._stream.close()
            self._closed = True
            if self._stream.closed is not before:  # read again: definitions came after their use
                self._grouper = Grouper()
        self._sync()
        return True

    def _sync(self) -> None:
        segments = self._grouper.segments
        start = min(self._grouper.update(self._stream.closed, self._stream.tail()), len(self.items))
        for i in range(start, len(segments)):
            if i == len(self.items):
                self.items.append(Item(segments[i]))
                continue
            item = self.items[i]
            if item.segment == segments[i]:
                continue
            if item.segment.kind is not segments[i].kind or item.view is None:
                self._drop(item)
                item.segment, item.guessed = segments[i], 0
            else:
                item.segment, item.fitted = segments[i], 0
                self._show(item)
        for item in self.items[len(segments) :]:
            self._drop(item)
        del self.items[len(segments) :]

    def _drop(self, item: Item) -> None:
        if item.view is not None:
            item.view.hide()
            item.view.deleteLater()
        item.view, item.fitted = None, 0

    def _show(self, item: Item) -> None:
        first = item.segment.leaves[0]
        if isinstance(item.view, CodeBlock) and isinstance(first, Code):
            item.view.show_code(first)
        elif isinstance(item.view, TableView) and isinstance(first, Table):
            item.view.show_table(first)
        elif isinstance(item.view, ProseView):
            item.view.show_leaves(item.segment.leaves)

    def _build(self, item: Item) -> None:
        kinds: dict[type, type[View]] = {Code: CodeBlock, Table: TableView, Text: ProseView}
        item.view = kinds[item.segment.kind](self._styles, self)
        if isinstance(item.view, CodeBlock):
            item.view.resized.connect(lambda: self._grew(item))
        item.view.show()
        self._show(item)

    def _grew(self, item: Item) -> None:
        item.fitted = 0
        self.resized.emit()

    def fit(self, width: int) -> int:
        """Place what is there for this width; returns the height, estimated for what is not built."""
        y = 0
        for item in self.items:
            y += round(space_before(item.segment.after, item.segment.leaves[0]) * self._styles.em)
            item.top = y
            margin = left_margin(item.segment.leaves[0], self._styles)
            if width not in (item.fitted, item.guessed) and (item.view is None or not item.height):
                item.height = self._estimate(sum(map(size, item.segment.leaves)), len(item.segment.leaves), width)
                item.guessed = width
            if item.view is not None:
                item.view.move(margin, y)
            y += item.height
        rest = len(self._text) - self._fed
        if rest > 0:
            y += self._estimate(rest, 1 + rest // 400, width)
        if self.width() != width or self.height() != y:
            self.resize(width, y)
        return y

    def _estimate(self, chars: int, leaves: int, width: int) -> int:
        per_line = max(8.0, width / (self._styles.em * 0.5))
        return round((chars / per_line + leaves * 0.5) * self._styles.em * 1.65) + leaves * self._styles.em // 2

    def realize(self, top: int, bottom: int, width: int, deadline: float) -> bool:
        """Build what lies between `top` and `bottom`, the lowest first; True if anything was done.

        Stops at the deadline, but at least one piece is done.
        """
        done = False
        for item in reversed(self.items):
            if item.top > bottom or item.top + item.height < top or item.fitted == width:
                continue
            if done and time.perf_counter() > deadline:
                return True
            if item.view is None:
                self._build(item)
            if item.view is not None:
                margin = left_margin(item.segment.leaves[0], self._styles)
                item.height = item.view.fit(width - margin)
            item.fitted = width
            done = True
        return done

    def natural_width(self, limit: int) -> int:
        """The width a short plain text needs, at most `limit`."""
        if self._natural is None or self._natural[0] != limit:
            self._natural = limit, self._measure(limit)
        return self._natural[1]

    def _measure(self, limit: int) -> int:
        if len(self._text) > 1000 or "\t" in self._text:
            return limit
        metrics = QFontMetricsF(self._styles.font)
        widest = max(metrics.horizontalAdvance(line) for line in clean(self._text).split("\n"))
        return min(limit, math.ceil(widest) + 2)
