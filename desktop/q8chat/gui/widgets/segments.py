"""Runs of leaves that share one widget, small enough to be laid out without a noticeable wait. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from q8chat.gui.widgets.markdown_leaves import Code, Leaf, Rule, Span, Table, Text
from q8chat.gui.widgets.markdown_stream import MarkdownStream, clean

PROSE_LIMIT = 4000  # characters in one document
PLAIN_PIECE = 2000  # characters in one block of the user's own text


@dataclass(frozen=True, slots=True)
class Segment:
    """Prose (any number of Text and Rule), or a single Code or Table. `after`: the leaf before it, if any."""

    leaves: tuple[Leaf, ...]
    after: Leaf | None

    @property
    def kind(self) -> type:
        """What the first leaf is, Text standing for all prose."""
        first = type(self.leaves[0])
        return Text if first is Rule else first


def size(leaf: Leaf) -> int:
    """Characters in a leaf."""
    if isinstance(leaf, Text):
        return sum(len(s.text) for s in leaf.spans)
    if isinstance(leaf, Code):
        return len(leaf.text)
    if isinstance(leaf, Table):
        return sum(len(s.text) for row in leaf.rows for cell in row for s in cell)
    return 0


class Grouper:
    """Groups leaves that come in two parts, closed ones that only grow and an open tail."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.fixed = 0  # segments that will never change again
        self._consumed = 0  # leaves in them

    def update(self, closed: Sequence[Leaf], tail: Sequence[Leaf]) -> int:
        """Bring `segments` up to date; returns the index of the first that may have changed."""
        start = self.fixed
        del self.segments[start:]
        before = closed[self._consumed - 1] if self._consumed else None
        run: list[Leaf] = []
        chars = 0
        for i in range(self._consumed, len(closed) + len(tail)):
            leaf = closed[i] if i < len(closed) else tail[i - len(closed)]
            single = isinstance(leaf, Code | Table)
            if run and (single or chars > PROSE_LIMIT):
                before = self._end(run, before, i < len(closed))
                run, chars = [], 0
            if single:
                before = self._end([leaf], before, i < len(closed))
            else:
                run.append(leaf)
                chars += size(leaf)
        if run:
            self._end(run, before, False)
        return start

    def _end(self, run: list[Leaf], before: Leaf | None, final: bool) -> Leaf:
        self.segments.append(Segment(tuple(run), before))
        if final and self.fixed == len(self.segments) - 1:
            self.fixed += 1
            self._consumed += len(run)
        return run[-1]


class PlainStream:
    """The user's own text, exactly as typed, with the interface of MarkdownStream."""

    def __init__(self) -> None:
        self.closed: list[Leaf] = []
        self._tail = ""

    def feed(self, text: str) -> None:
        """Add text at the end."""
        self._tail += clean(text)
        while len(self._tail) > PLAIN_PIECE:
            window = self._tail[:PLAIN_PIECE]
            line = window.rfind("\n") + 1
            cut = line or window.rfind(" ") + 1 or PLAIN_PIECE
            self.closed.append(_plain(window[: cut - 1] if line else window[:cut]))
            self._tail = self._tail[cut:]

    def close(self) -> None:
        """The text is complete."""
        self.closed.extend(self.tail())
        self._tail = ""

    def tail(self) -> list[Leaf]:
        """What is not yet a whole piece."""
        return [_plain(self._tail)] if self._tail else []


def _plain(text: str) -> Text:
    return Text((Span(text),), plain=True)


Stream = MarkdownStream | PlainStream
