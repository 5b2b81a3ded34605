"""Markdown as a flat list of leaves: what is drawn one below the other. No Qt here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

BOLD, ITALIC, STRIKE, CODE = 1, 2, 4, 8
_BARE_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\"'.,;:!?)\]}*_]")
_TASK = re.compile(r"\[([ xX])\]\s+")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style (BOLD | ITALIC | STRIKE | CODE), with the address it links to."""

    text: str
    style: int = 0
    href: str = ""


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, a heading (level 1-6) or the first paragraph of a list item (marker: "•", "3.", "☐", "☑").

    depth: how many lists it stands in, quote: how many quotations. joined: it goes on where the leaf before
    it stopped (a paragraph too long for one layout). plain: the user's own text, line by line.
    """

    spans: Spans
    level: int = 0
    depth: int = 0
    marker: str = ""
    quote: int = 0
    joined: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced or indented code block; open until its end has arrived."""

    text: str
    language: str = ""
    depth: int = 0
    open: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the first one is the header unless this is a later `part` of a long table.

    weights: relative widths of the columns, the same in all parts of a long table; () = as the content wants.
    """

    rows: tuple[tuple[Spans, ...], ...]
    aligns: tuple[str, ...]  # left, center, right or "" per column
    part: int = 0
    weights: tuple[int, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""

    depth: int = 0


Leaf = Text | Code | Table | Rule


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough; HTML stays text. Imported on first use, it takes 70 ms."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable(["table", "strikethrough"])


def may_open(href: str) -> bool:
    """Whether a link of a model's answer may be opened at all."""
    return href.startswith(("http://", "https://", "mailto:"))


def _linked(text: str, style: int) -> Iterator[Span]:
    at = 0
    for found in _BARE_LINK.finditer(text):
        if found.start() > at:
            yield Span(text[at : found.start()], style)
        yield Span(found.group(), style, found.group())
        at = found.end()
    if at < len(text):
        yield Span(text[at:], style)


def spans(tokens: Sequence[Token]) -> Spans:
    """The inline tokens of one paragraph or cell."""
    out: list[Span] = []
    style, href = 0, ""
    flags = {"strong": BOLD, "em": ITALIC, "s": STRIKE}
    for token in tokens:
        name, _, side = token.type.rpartition("_")
        if name in flags:
            style = style | flags[name] if side == "open" else style & ~flags[name]
        elif name == "link":
            target = str(token.attrGet("href") or "") if side == "open" else ""
            href = target if may_open(target) else ""
        elif token.type == "image":
            target = str(token.attrGet("src") or "")
            out.append(Span(f"[{token.content or 'image'}]", style, target if may_open(target) else ""))
        elif token.type in ("softbreak", "hardbreak"):
            out.append(Span("\n", style))
        elif token.type == "code_inline":
            out.append(Span(token.content, style | CODE, href))
        elif token.content and (href or "://" not in token.content):
            out.append(Span(token.content, style, href))
        elif token.content:
            out.extend(_linked(token.content, style))
    return tuple(out)


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int  # of the next item


@dataclass(slots=True)
class Walker:
    """Turns block tokens into leaves. `number` continues a list whose earlier items are already done."""

    number: int | None = None
    table_part: int = 0
    table_weights: tuple[int, ...] = ()
    lists: list[_List] = field(default_factory=list)
    _leaves: list[Leaf] = field(default_factory=list)
    _marker: str = ""
    _quote: int = 0
    _rows: list[tuple[Spans, ...]] = field(default_factory=list)
    _cells: list[Spans] = field(default_factory=list)
    _aligns: list[str] = field(default_factory=list)
    _in_table: bool = False
    _level: int = 0

    def walk(self, tokens: Sequence[Token]) -> list[Leaf]:
        """The leaves of `tokens`; unclosed blocks at the end are fine."""
        for token in tokens:
            handler = _HANDLERS.get(token.type)
            if handler is not None:
                handler(self, token)
        if self._in_table:
            self._close_table(None)
        return self._leaves

    def _add(self, leaf: Leaf) -> None:
        if self._marker and not isinstance(leaf, Text):
            self._leaves.append(Text((), depth=len(self.lists), marker=self._take_marker(), quote=self._quote))
        self._leaves.append(leaf)

    def _take_marker(self) -> str:
        marker, self._marker = self._marker, ""
        return marker

    def _inline(self, token: Token) -> None:
        content = spans(token.children or ())
        if self._in_table:
            self._cells.append(content)
            return
        marker = self._take_marker()
        task = _TASK.match(content[0].text) if marker == "•" and content else None
        if task:
            marker = "☐" if task.group(1) == " " else "☑"
            content = (replace(content[0], text=content[0].text[task.end() :]), *content[1:])
        self._add(Text(content, self._level, len(self.lists), marker, self._quote))

    def _heading(self, token: Token) -> None:
        self._level = int(token.tag[1]) if token.nesting > 0 else 0

    def _open_list(self, token: Token) -> None:
        written = token.attrGet("start")
        start = 1 if written is None else int(written)
        if self.number is not None and not self.lists and not self._leaves:
            start = self.number
        self.lists.append(_List(token.type.startswith("ordered"), start))

    def _close_list(self, _token: Token) -> None:
        self.lists.pop()

    def _open_item(self, _token: Token) -> None:
        own = self.lists[-1]
        self._marker = f"{own.number}." if own.ordered else "•"
        own.number += 1

    def _close_item(self, _token: Token) -> None:
        if self._marker:
            self._add(Text((), depth=len(self.lists), marker=self._take_marker(), quote=self._quote))

    def _quotation(self, token: Token) -> None:
        self._quote += token.nesting

    def _code(self, token: Token) -> None:
        language = token.info.split()[0] if token.info.split() else ""
        self._add(Code(token.content.removesuffix("\n"), language, len(self.lists)))

    def _rule(self, _token: Token) -> None:
        self._add(Rule(len(self.lists)))

    def _open_table(self, _token: Token) -> None:
        self._in_table, self._rows, self._aligns = True, [], []

    def _cell(self, token: Token) -> None:
        if token.type == "th_open":
            self._aligns.append(str(token.attrGet("style") or "").removeprefix("text-align:"))

    def _row(self, _token: Token) -> None:
        self._rows.append(tuple(self._cells))
        self._cells = []

    def _close_table(self, _token: Token | None) -> None:
        self._in_table = False
        rows = tuple(self._rows[1:] if self.table_part else self._rows)
        if rows:
            table = Table(rows, tuple(self._aligns), self.table_part, self.table_weights, len(self.lists))
            self._add(table)
        self.table_part, self.table_weights = 0, ()


_HANDLERS: dict[str, Callable[[Walker, Any], None]] = {
    "inline": Walker._inline,
    "heading_open": Walker._heading,
    "heading_close": Walker._heading,
    "bullet_list_open": Walker._open_list,
    "ordered_list_open": Walker._open_list,
    "bullet_list_close": Walker._close_list,
    "ordered_list_close": Walker._close_list,
    "list_item_open": Walker._open_item,
    "list_item_close": Walker._close_item,
    "blockquote_open": Walker._quotation,
    "blockquote_close": Walker._quotation,
    "fence": Walker._code,
    "code_block": Walker._code,
    "hr": Walker._rule,
    "table_open": Walker._open_table,
    "th_open": Walker._cell,
    "tr_close": Walker._row,
    "table_close": Walker._close_table,
}


def column_weights(rows: Sequence[Sequence[Spans]], columns: int) -> tuple[int, ...]:
    """Widths of a long table's columns from its first rows, in characters, neither tiny nor greedy."""
    widest = [4] * columns
    for row in rows:
        for i, cell in enumerate(row[:columns]):
            widest[i] = max(widest[i], min(60, sum(len(s.text) for s in cell)))
    return tuple(widest)
