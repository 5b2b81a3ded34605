"""Taking what a model thinks aloud apart from what it answers.

Models that think begin their message with `<think>`. Some templates have written that tag already, as the end of
the prompt, so that the message holds only the closing one. A `<think>` anywhere else is something the answer talks
about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OPEN, CLOSE = "<think>", "</think>"

_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)+")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
# A closing tag that ends or begins a line, which one in the middle of a sentence about tags does not.
_BARE_CLOSE = re.compile(r"^[ \t]*</think>|</think>[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Thinking:
    """The two parts of a message. open: the model has not finished thinking."""

    thinking: str
    answer: str
    open: bool


def split_thinking(text: str, *, complete: bool = True, opened: bool = False) -> Thinking:
    """Split a message, or the beginning of one that is still being written (`complete` False).

    opened: the prompt ended with `<think>`. While writing, the beginning of a tag at the end of `text` is in
    neither part, because the next characters decide what it is, so both parts only ever grow. The one exception: a
    prompt opened the block without `opened` given; then only the closing tag tells that all before was thinking.
    """
    body = text.lstrip()
    if body.startswith(OPEN):
        return _inside(body[len(OPEN) :], complete)
    if not complete and OPEN.startswith(body):
        return Thinking("", "", opened)
    if opened:
        return _inside(text, complete)
    close = _bare_close(text)
    if close is None:
        return Thinking("", text if complete else _settled(text), False)
    return _inside(text, complete, close)


def _inside(text: str, complete: bool, close: int | None = None) -> Thinking:
    """Split at the closing tag; `text` begins after the opening one."""
    at = text.find(CLOSE) if close is None else close
    if at >= 0:
        return Thinking(text[:at].strip(), _answer(text[at + len(CLOSE) :], complete), False)
    return Thinking((text if complete else _settled(text)).strip(), "", True)


def _answer(text: str, complete: bool) -> str:
    """Without the blank lines that set it apart; the first line's indentation may mean a code block."""
    if not complete and not text.strip():
        return ""
    blank = _BLANK_LINES.match(text)
    return text[blank.end() :] if blank else text


def _settled(text: str) -> str:
    """Without an end that may be the beginning of the closing tag."""
    n = next((n for n in range(len(CLOSE) - 1, 0, -1) if text.endswith(CLOSE[:n])), 0)
    return text[: len(text) - n]


def _bare_close(text: str) -> int | None:
    """Where a closing tag stands that nothing in `text` opened, outside of code; None if nowhere."""
    match = _BARE_CLOSE.search(text) if CLOSE in text else None
    if match is None:
        return None
    at = match.start() + match.group().index(CLOSE)
    before = text[:at]
    fences = _FENCE.findall(before)
    in_code = len(fences) % 2 == 1 or before.endswith("`")
    return None if in_code or OPEN in before else at
