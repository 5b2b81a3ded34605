"""Finding messages by what they say.

Words are found by SQLite's full-text index, whatever their case and accents. It takes a run of letters for one
word, which would hide most of a Chinese, Japanese, Korean or Thai text, so `search_text` puts a separator around
every character of such scripts, in the index and in the query: a word of theirs is then found anywhere. What has no
letters or digits at all (an emoji, `->`) is not in the index; messages are looked through for it.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata

from q8chat.chat.snippets import Excerpt
from q8chat.chat.text import UNSPACED, readable
from q8chat.chat.types import SearchHit

MAX_WORDS = 32  # the index refuses expressions that nest too deeply
MAX_CHARACTERS = 1000
RANKED = 1000  # ranking costs time per match, and half of all messages have a word with "a"

_SEPARATOR = "\u200b"
_UNSPACED = re.compile(f"([{UNSPACED}])")

_VISIBLE = (
    "JOIN messages m ON m.id = f.rowid JOIN conversations c ON c.id = m.conversation_id AND c.deleted IS NULL"
)
_MATCHING = f"""SELECT id FROM (
        SELECT f.rowid AS id, f.rank AS rank FROM messages_fts f {_VISIBLE}
        WHERE f.messages_fts MATCH ? {{also}} ORDER BY f.rowid DESC LIMIT {RANKED}
    ) ORDER BY rank, id DESC LIMIT ?"""
_CONTAINING = """SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE c.deleted IS NULL {also} ORDER BY m.id DESC LIMIT ?"""
_ROW = """SELECT m.conversation_id, m.id, c.title, m.role, m.content
    FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = ?"""


def search_text(value: str | bytes) -> str:
    """Message text as the index sees it.

    SQLite relies on the same text becoming the same words forever: a change here needs a migration that rebuilds
    the index.
    """
    return _UNSPACED.sub(f"{_SEPARATOR}\\1{_SEPARATOR}", readable(value))


def find(db: sqlite3.Connection, text: str, limit: int) -> tuple[SearchHit, ...]:
    """Messages of conversations that are not deleted and contain every word of `text`.

    The best matches of the newest RANKED ones come first. The last word may be the beginning of one. Nothing in
    `text` is query syntax.
    """
    words = readable(text[:MAX_CHARACTERS].encode("utf-8", "replace")).split()[:MAX_WORDS]
    if not words:
        return ()
    symbols = [w for w in words if not any(map(_indexed, w))]
    expression = _expression([w for w in words if w not in symbols])
    query = (_MATCHING if expression else _CONTAINING).format(also=" AND instr(m.content, ?) > 0" * len(symbols))
    rows = db.execute(query, (*filter(None, [expression]), *symbols, limit)).fetchall()
    excerpt = Excerpt(words)
    return tuple(_hit(db.execute(_ROW, row).fetchone(), excerpt) for row in rows)


def _hit(row: tuple[int, int, str | bytes, str, str | bytes], excerpt: Excerpt) -> SearchHit:
    conversation_id, message_id, title, role, content = row
    return SearchHit(conversation_id, message_id, readable(title), role, *excerpt.of(readable(content)))


def _indexed(character: str) -> bool:
    """Whether SQLite's unicode61 tokenizer makes a word of it."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _expression(words: list[str]) -> str:
    """The words as quoted phrases, all required; "" if there are none."""
    phrases = ['"{}"'.format(search_text(w).replace('"', '""')) for w in words]
    prefix = " *" if words and _indexed(words[-1][-1]) else ""
    return " ".join(phrases) + prefix
