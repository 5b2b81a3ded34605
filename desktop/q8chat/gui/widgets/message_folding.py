"""How much of a long message is shown before "Show all" is pressed. No Qt here."""

from __future__ import annotations

import math

FOLD_LINES = 40  # of the user's own text
FOLD_CHARS = 48_000  # of an answer
_COLUMNS = 90  # characters taken for a line when counting lines


def fold_point(text: str, *, mine: bool) -> int:
    """Characters to show; all of them if the text is not long."""
    if not mine:
        return len(text) if len(text) <= FOLD_CHARS * 1.25 else text.rfind("\n", 0, FOLD_CHARS) + 1 or FOLD_CHARS
    lines = at = 0
    while at < len(text):
        end = text.find("\n", at)
        length = (len(text) if end < 0 else end) - at
        needed = max(1, math.ceil(length / _COLUMNS))
        if lines + needed > FOLD_LINES:
            return at + (FOLD_LINES - lines) * _COLUMNS
        lines, at = lines + needed, at + length + 1
    return len(text)
