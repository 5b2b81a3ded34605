"""Colours for a finished code block, worked out in short slices so that the window never waits.

The lexer is chosen by the language's name only: guessing takes most of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextDocument, QTextLayout

from q8chat.gui import theme
from q8chat.gui.widgets.markdown_leaves import parser

SLICE = 0.005  # seconds
MAX_CHARS = 200_000
Tokens = Iterator[tuple[Any, str]]


@cache
def _loader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="lexers")


def warm_up() -> None:
    """Import beside the window what the first answer will need."""
    _loader().submit(parser)


def _find_lexer(language: str) -> Any:
    """The lexer of that name or None. Loading one takes up to 60 ms, so this runs beside the window."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


class Highlighter(QObject):
    """Colours `document`, which must not change any more. `finished` comes exactly once."""

    finished = Signal()

    def __init__(self, document: QTextDocument, language: str, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._language = language
        self._future: Future[Any] | None = None
        self._tokens: Tokens = iter(())
        self._formats: dict[Any, QTextCharFormat | None] = {}
        self._block = document.firstBlock()
        self._ranges: list[QTextLayout.FormatRange] = []
        self._column = 0  # in UTF-16 units, as Qt counts
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._work)

    def start(self) -> None:
        """Begin, if the language is named and the code is not enormous."""
        if not self._language or self._document.characterCount() > MAX_CHARS:
            self.finished.emit()
            return
        self._future = _loader().submit(_find_lexer, self._language)
        self._timer.start(10)

    def _work(self) -> None:
        if self._future is not None:
            if not self._future.done():
                return
            lexer = self._future.result()
            self._future = None
            self._tokens = iter(lexer.get_tokens(self._document.toPlainText())) if lexer else iter(())
        deadline = time.perf_counter() + SLICE
        first = self._block.position()
        for token, text in self._tokens:
            self._take(token, text)
            if time.perf_counter() > deadline:
                self._show_from(first)
                return
        self._end_line()
        self._show_from(first)
        self._timer.stop()
        self.finished.emit()

    def _take(self, token: Any, text: str) -> None:
        fmt = self._format(token)
        for i, line in enumerate(text.split("\n")):
            if i:
                self._end_line()
                self._block = self._block.next()
            n = len(line) if line.isascii() else len(line.encode("utf-16-le")) // 2
            if fmt is not None and n:
                span = QTextLayout.FormatRange()
                span.start, span.length, span.format = self._column, n, fmt
                self._ranges.append(span)
            self._column += n

    def _end_line(self) -> None:
        if self._block.isValid() and self._ranges:
            self._block.layout().setFormats(self._ranges)
        self._ranges, self._column = [], 0

    def _show_from(self, first: int) -> None:
        """Draw the lines coloured since then."""
        end = self._block.position() if self._block.isValid() else self._document.characterCount() - 1
        self._document.markContentsDirty(first, max(1, end - first))

    def _format(self, token: Any) -> QTextCharFormat | None:
        if token not in self._formats:
            colors = theme.code_colors()
            names = [".".join(token[:i]) for i in range(len(token), 0, -1)]
            color = next((colors[name] for name in names if name in colors), "")
            fmt = None
            if color:
                fmt = QTextCharFormat()
                fmt.setForeground(QColor(color))
                fmt.setFontItalic(token[:1] == ("Comment",))
            self._formats[token] = fmt
        return self._formats[token]
