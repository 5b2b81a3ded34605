"""Named sampling settings: the ones that come with the application and the user's own."""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache

from q8chat.chat.types import Preset
from q8chat.core.errors import NotFoundError, UsageError
from q8chat.runtime.sampling import Sampling

BUILTIN: tuple[Preset, ...] = (
    Preset("Balanced", Sampling(), builtin=True),
    Preset("Precise", Sampling(temperature=0.3, top_k=20, top_p=0.9, min_p=0.1), builtin=True),
    Preset("Creative", Sampling(temperature=1.2, top_k=0, top_p=0.98, min_p=0.03), builtin=True),
    Preset("Greedy (repeatable)", Sampling(temperature=0.0, seed=1), builtin=True),
)
DEFAULT = BUILTIN[0]  # of a new conversation
_RESERVED = {p.name.casefold() for p in BUILTIN}


def sampling_text(sampling: Sampling) -> str:
    """As it is stored."""
    return json.dumps(sampling.to_dict(), separators=(",", ":"))


# Few settings are in use among a thousand conversations, and they are immutable.
@lru_cache(maxsize=1024)
def parsed_sampling(text: str) -> Sampling:
    """As it was stored."""
    return Sampling.from_dict(json.loads(text))


def presets(db: sqlite3.Connection) -> tuple[Preset, ...]:
    """Built-in ones first, then the user's by name."""
    rows = db.execute("SELECT name, sampling FROM presets").fetchall()
    own = sorted((Preset(name, parsed_sampling(text)) for name, text in rows), key=lambda p: p.name.casefold())
    return BUILTIN + tuple(own)


def save(db: sqlite3.Connection, name: str, sampling: Sampling) -> Preset:
    """Add a preset, or replace the user's one of that name in whatever case."""
    name = _own_name(name)
    db.execute("DELETE FROM presets WHERE name = ?", (name,))
    db.execute("INSERT INTO presets (name, sampling) VALUES (?, ?)", (name, sampling_text(sampling.validated())))
    return Preset(name, sampling)


def delete(db: sqlite3.Connection, name: str) -> None:
    """Remove one of the user's presets."""
    name = _own_name(name)
    if db.execute("DELETE FROM presets WHERE name = ?", (name,)).rowcount == 0:
        raise NotFoundError(f"There is no preset “{name}”.", "It may have been deleted in another window.")


def _own_name(name: str) -> str:
    name = " ".join(name.encode("utf-8", "replace").decode().split())
    if not name:
        raise UsageError("A preset needs a name.", "Type a name for it.")
    if name.casefold() in _RESERVED:
        raise UsageError(f"“{name}” is a built-in preset and can't be changed.", "Save yours under another name.")
    return name
