"""Text as the database and the search take it."""

from __future__ import annotations

# Scripts that do not put a space between words, or glue particles to them, as the inside of a character class:
# Thai, Lao and Tibetan; Myanmar and Hangul letters; Khmer; kana; CJK ideographs; Hangul; compatibility and
# half-width forms; ideographs beyond the basic plane. The search index depends on it, see `search_text`.
UNSPACED = (
    "\u0e00-\u0fff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)


def pack(text: str) -> str | bytes:
    """Text as it is stored: TEXT, or a BLOB of UTF-8 with surrogates if it has lone ones, which TEXT can't hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def unpack(value: str | bytes) -> str:
    """The text that was packed, code point by code point."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def readable(value: str | bytes) -> str:
    """The text that was packed, for showing and searching: without NUL and lone surrogates."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text.replace("\0", " ")
