"""A conversation's title from its first message."""

from __future__ import annotations

import re
import unicodedata

UNTITLED = "New conversation"
MAX_CHARACTERS = 48
_EXAMINED = 4096  # of a message of megabytes

_JOINERS = "\u200c\u200d"  # parts of words in Persian and Indic scripts, and of emoji
_MODIFIERS = range(0x1F3FB, 0x1F400)  # skin tones
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)  # regional indicators, two to a flag


def title_from(text: str) -> str:
    """The first line that shows anything, on one line of at most MAX_CHARACTERS, cut between words if possible.

    Control characters, invisible ones that turn the writing direction, and lone surrogates are left out.
    """
    lines = (_clean(line) for line in text.lstrip()[:_EXAMINED].splitlines())
    line = next((line for line in lines if line.strip(_JOINERS)), UNTITLED)
    return line if len(line) <= MAX_CHARACTERS else _cut(line)


def _clean(line: str) -> str:
    shown = (
        c for c in re.sub(r"\s+", " ", line) if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join("".join(shown).split())


def _cut(line: str) -> str:
    """The beginning of a long line, with an ellipsis as its last character."""
    end = MAX_CHARACTERS - 1
    space = line.rfind(" ", MAX_CHARACTERS // 2, end + 1)
    if space >= 0:
        end = space
    while end > 1 and _joined(line, end):
        end -= 1
    return line[:end].rstrip(" ,;:.-–—") + "…"


def _joined(line: str, at: int) -> bool:
    """Whether the characters before and after position `at` make one sign together."""
    after = line[at]
    if unicodedata.category(after).startswith("M") or after in _JOINERS or ord(after) in _MODIFIERS:
        return True
    if line[at - 1] in _JOINERS:
        return True
    flag_letters = len(line[:at]) - len(line[:at].rstrip("".join(map(chr, _FLAG_LETTERS))))
    return ord(after) in _FLAG_LETTERS and flag_letters % 2 == 1
