"""Markdown that grows: what can no longer change is parsed once, only the open end is parsed again. No Qt here.

The result does not depend on how the text was cut into pieces: every decision looks only at the text from the
start of the open block on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from q8chat.gui.widgets.markdown_leaves import Code, Leaf, Table, Text, Walker, column_weights, parser

if TYPE_CHECKING:
    from markdown_it.token import Token

TEXT_LIMIT = 3000  # characters; a longer paragraph or quotation is laid out in pieces
BLOCK_LIMIT = 8000  # likewise for a list item or whatever else
TABLE_ROWS = 20  # rows laid out together
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)")
_ODD = re.compile("[\ud800-\udfff\0\u2029\ufdd0\ufdd1\ufffc]")  # Qt's own marks, or not a character


def clean(text: str) -> str:
    """The text as it can be shown: one kind of line end, no half characters, no control marks of Qt's."""
    return _ODD.sub("\ufffd", text.replace("\r", ""))


def _starts(tokens: Sequence[Token], i: int) -> bool:
    """Whether a block, or an item of a list other than its first, starts at token `i` of the top level."""
    token = tokens[i]
    later_item = (
        token.level == 1 and token.type == "list_item_open" and not tokens[i - 1].type.endswith("list_open")
    )
    return token.level == 0 or later_item


def _count_rows(tokens: Sequence[Token], first: int) -> int:
    end = next((i for i in range(first, len(tokens)) if tokens[i].type == "table_close"), len(tokens))
    return sum(t.type == "tr_open" for t in tokens[first:end])


def _dedent(line: str, columns: int) -> str:
    """Take at most `columns` of indentation away; a tab reaches to the next multiple of four."""
    width = i = 0
    while width < columns and line[i : i + 1] in (" ", "\t"):
        width += 4 - width % 4 if line[i] == "\t" else 1
        i += 1
    return " " * max(0, width - columns) + line[i:]


def _tables(tokens: Sequence[Token]) -> list[int]:
    return [i for i, t in enumerate(tokens) if t.type == "table_open" and t.level == 0]


class MarkdownStream:
    """Feed text, read leaves. `closed` only ever grows; `tail()` is the open end, made anew after each feed."""

    def __init__(self, references: dict[str, Any] | None = None) -> None:
        self.closed: list[Leaf] = []
        self._env: dict[str, Any] = {"references": dict(references or {})}
        self._known = references is not None
        self._pieces: list[str] = []
        self._tail = ""
        self._checked = 0  # complete lines of the tail up to here end nothing
        self._not_text = False  # the tail begins with something TEXT_LIMIT does not hold for
        self._fence: tuple[str, str, re.Pattern[str]] | None = None  # language, indentation, closing line
        self._code = ""  # complete lines of the open fence
        self._number: int | None = None
        self._part = 0  # of the table at the start of the tail
        self._weights: tuple[int, ...] = ()
        self._joined = False

    def feed(self, text: str) -> None:
        """Add text at the end."""
        self._pieces.append(text)
        self._tail += clean(text)
        while self._step():
            pass

    def close(self) -> None:
        """The text is complete. Link definitions may stand after their use: then it is all read once more."""
        if self.references and not self._known:
            again = MarkdownStream(self.references)
            again.feed("".join(self._pieces))
            again.close()
            self.closed = again.closed
            self._tail, self._fence = "", None
            return
        if self._fence and self._closing_line():
            self._tail = ""
        self.closed.extend(replace(x, open=False) if isinstance(x, Code) else x for x in self.tail())
        self._tail, self._fence, self._code = "", None, ""

    @property
    def references(self) -> dict[str, Any]:
        """Link definitions met so far."""
        found: dict[str, Any] = self._env["references"]
        return found

    def tail(self) -> list[Leaf]:
        """The leaves of the open end."""
        if self._fence:
            # A last line that may yet become the closing fence is kept back, so that it does not flash up.
            rest = "" if self._closing_line() or set(self._tail.strip()) <= {"`", "~"} else self._tail
            return [Code((self._code + rest).removesuffix("\n"), self._fence[0], open=True)]
        if not self._tail.strip():
            return []
        # A definition that is still being written must not be remembered.
        return self._leaves(parser().parse(self._tail, {"references": dict(self.references)}), self._walker())

    def _walker(self) -> Walker:
        return Walker(self._number, self._part, self._weights)

    def _leaves(self, tokens: Sequence[Token], walker: Walker) -> list[Leaf]:
        leaves = walker.walk(tokens)
        if self._joined and leaves and isinstance(leaves[0], Text):
            leaves[0] = replace(leaves[0], joined=True)
        return leaves

    def _step(self) -> bool:
        """Close what can no longer change; False when there was nothing."""
        if self._fence:
            return self._step_fence(*self._fence)
        return (not self._not_text and self._step_blocks(TEXT_LIMIT)) or self._step_blocks(BLOCK_LIMIT)

    def _step_blocks(self, limit: int) -> bool:
        window = self._tail[:limit]
        cut = window.rfind("\n") + 1
        if cut > self._checked:
            self._checked = cut
            tokens = parser().parse(window[:cut], self._env)
            if self._close_blocks(tokens, window[:cut].split("\n"), one=limit == BLOCK_LIMIT):
                return True
        if len(self._tail) <= limit:
            return False
        return self._split_block(window, cut, limit)

    def _step_fence(self, language: str, indent: str, closing: re.Pattern[str]) -> bool:
        cut = self._tail.rfind("\n") + 1
        if not cut:
            return False
        end = closing.search(self._tail, 0, cut)
        new = self._tail[: end.start() if end else cut]
        if indent:
            new = "\n".join(_dedent(line, len(indent)) for line in new.split("\n"))
        self._code += new
        if end:
            self.closed.append(Code(self._code.removesuffix("\n"), language))
            self._fence, self._code = None, ""
        self._consume(self._tail.find("\n", end.start()) + 1 if end else cut)
        return end is not None

    def _closing_line(self) -> bool:
        return self._fence is not None and self._fence[2].fullmatch(self._tail) is not None

    def _consume(self, n: int, *, joined: bool = False) -> None:
        self._tail, self._checked, self._joined, self._not_text = self._tail[n:], 0, joined, False

    def _close_blocks(self, tokens: list[Token], lines: list[str], *, one: bool) -> bool:
        """Close all blocks and list items but the last (or just the first), or a page of rows of a table."""
        if not tokens:
            return False
        if tokens[0].type == "table_open" and self._close_rows(tokens, 0, lines, TABLE_ROWS + 1):
            return True
        starts = [i for i, t in enumerate(tokens) if _starts(tokens, i) and t.nesting >= 0]
        long_table = next((i for i in _tables(tokens) if _count_rows(tokens, i) > TABLE_ROWS + 1), len(tokens))
        cuts = [i for i in starts if 0 < i <= long_table]
        opens_fence = tokens[starts[-1]].type == "fence" and (not one or len(cuts) < 2)
        if not cuts and not opens_fence:
            return False
        cut = 0 if not cuts else cuts[0 if one else -1]
        walker = self._walker()
        self.closed.extend(self._leaves(tokens[:cut], walker))
        if cut:
            self._number = walker.lists[0].number if tokens[cut].type == "list_item_open" else None
            self._part, self._weights = 0, ()
        start = (tokens[cut].map or [0])[0]
        if opens_fence and cut == starts[-1]:
            self._open_fence(lines[start])
            start += 1
        self._consume(sum(len(line) + 1 for line in lines[:start]))
        return True

    def _open_fence(self, line: str) -> None:
        found = _FENCE.match(line)
        if found is None:
            raise AssertionError(line)
        mark = found.group(1)
        closing = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        self._fence = found.group(2), line[: found.start(1)], closing
        self._number, self._part, self._weights = None, 0, ()

    def _close_rows(self, tokens: list[Token], first: int, lines: list[str], wanted: int) -> bool:
        """Close a page of rows of the table at `first`, if it has more than `wanted` with its header."""
        end = next((i for i in range(first, len(tokens)) if tokens[i].type == "table_close"), len(tokens))
        rows = [i for i in range(first, end) if tokens[i].type == "tr_open"]
        if len(rows) <= wanted:
            return False
        head = (tokens[first].map or [0])[0]
        end = rows[wanted]
        leaves = self._leaves(tokens[:end], self._walker())
        table = leaves[-1]
        if not isinstance(table, Table):
            raise AssertionError(table)
        self._weights = table.weights or column_weights(table.rows, len(table.aligns))
        self._part = table.part + 1
        self.closed.extend([*leaves[:-1], replace(table, weights=self._weights)])
        self._number = None
        start = (tokens[end].map or [0])[0]
        self._consume(0)
        self._tail = "\n".join((lines[head], lines[head + 1], self._tail[sum(len(x) + 1 for x in lines[:start]) :]))
        return True

    def _split_block(self, window: str, cut: int, limit: int) -> bool:
        """The block is longer than the limit: close what is there, at a line's or at least a word's end.

        False where only the larger limit holds.
        """
        cut = cut or window.rfind(" ") + 1 or len(window)
        tokens = parser().parse(window[:cut], self._env)
        if limit == TEXT_LIMIT and tokens and tokens[0].type not in ("paragraph_open", "blockquote_open"):
            self._not_text = True
            return False
        tables = _tables(tokens)
        rows = sum(t.type == "tr_open" for t in tokens)
        if tables and rows > 2 and self._close_rows(tokens, tables[-1], window[:cut].split("\n"), rows - 1):
            return True
        self.closed.extend(self._leaves(tokens, self._walker()))
        self._number, self._part, self._weights = None, 0, ()
        self._consume(cut, joined=True)
        return True
