"""The piece of a message around what was searched for.

SQLite's own `snippet()` takes time that grows with the square of the number of matches: minutes for one message of
5 MB.
"""

from __future__ import annotations

import re
import unicodedata

from q8chat.chat.text import UNSPACED

CHARACTERS = 240
_BEFORE = 60  # characters shown before the first match

_ACCENTS = "[\u0300-\u036f]"
_GAP = r"[\W_]*"
_LETTER = rf"[^\W_{UNSPACED}]"
_TOKEN = re.compile(rf"[{UNSPACED}]|{_LETTER}+")

Spans = tuple[tuple[int, int], ...]


class _Folding(dict[int, int]):
    """For str.translate: each character's small letter without accents, always one character for one."""

    def __missing__(self, code: int) -> int:
        parts = unicodedata.normalize("NFD", chr(code))
        folded = parts[0] if all(re.match(_ACCENTS, mark) for mark in parts[1:]) else chr(code)
        self[code] = ord(folded.lower()[0])
        return self[code]


_FOLDING = _Folding()


class Excerpt:
    """Makes excerpts for one search. The last of `words` may be the beginning of a word."""

    def __init__(self, words: list[str]) -> None:
        patterns = [_pattern(w, prefix=n == len(words) - 1) for n, w in enumerate(words)]
        # The longest word says most about what was meant.
        self._patterns = [re.compile(p) for p in sorted(patterns, key=len, reverse=True)]
        self._any = re.compile("|".join(p.pattern for p in self._patterns))

    def of(self, content: str) -> tuple[str, Spans]:
        """One line of about CHARACTERS characters, and (start, end) of every match in it."""
        folded = content.translate(_FOLDING)
        found = (p.search(folded) for p in self._patterns)
        match = next((m for m in found if m), None)
        begin = _begin(content, match.start()) if match else 0
        end = begin + CHARACTERS
        piece = " ".join(content[begin:end].split())
        text = ("…" if begin else "") + piece + ("…" if end < len(content) else "")
        spans = tuple(m.span() for m in self._any.finditer(text.translate(_FOLDING)) if m.group())
        return text, spans


def _begin(content: str, first: int) -> int:
    """Where the excerpt begins, at the beginning of a word if one is near."""
    if first <= _BEFORE:
        return 0
    begin = first - _BEFORE
    space = content.find(" ", begin, first)
    return space + 1 if space >= 0 else begin


def _pattern(word: str, *, prefix: bool) -> str:
    """A regular expression that finds in folded text what the index finds for `word`."""
    folded = re.sub(_ACCENTS, "", word.translate(_FOLDING))
    tokens = _TOKEN.findall(folded)
    if not tokens:
        return re.escape(folded)
    inner = _GAP.join(f"{_ACCENTS}*".join(map(re.escape, token)) for token in tokens)
    start = f"(?<!{_LETTER})" if re.match(_LETTER, tokens[0]) else ""
    if not re.match(_LETTER, tokens[-1]):
        return start + inner
    unfinished = prefix and folded.endswith(tokens[-1])
    return start + inner + f"{_ACCENTS}*" + (f"{_LETTER}*" if unfinished else f"(?!{_LETTER})")
