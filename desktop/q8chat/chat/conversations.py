"""The rows of conversations. Every function is called within a transaction of the store."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from q8chat.chat.presets import parsed_sampling, sampling_text
from q8chat.chat.text import pack, unpack
from q8chat.chat.types import Conversation
from q8chat.core.errors import NotFoundError
from q8chat.runtime.messages import Overflow
from q8chat.runtime.sampling import Sampling

_COLUMNS = "id, title, created, updated, system_prompt, sampling, preset, overflow, head_id"


def _conversation(row: tuple[Any, ...]) -> Conversation:
    id_, title, created, updated, system_prompt, sampling, preset, overflow, head_id = row
    return Conversation(
        id_,
        unpack(title),
        created,
        updated,
        unpack(system_prompt),
        parsed_sampling(sampling),
        unpack(preset),
        overflow,
        head_id,
    )


def _found(row: tuple[Any, ...] | None) -> Conversation:
    if row is None:
        raise NotFoundError("This conversation no longer exists.", "It may have been deleted in another window.")
    return _conversation(row)


def everything(db: sqlite3.Connection) -> tuple[Conversation, ...]:
    """All that are not deleted, the last used first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM conversations WHERE deleted IS NULL ORDER BY updated DESC, id DESC")
    return tuple(map(_conversation, rows))


def get(db: sqlite3.Connection, id_: int) -> Conversation:
    """One that is not deleted; raises NotFoundError."""
    return _found(
        db.execute(f"SELECT {_COLUMNS} FROM conversations WHERE id = ? AND deleted IS NULL", (id_,)).fetchone()
    )


def create(
    db: sqlite3.Connection, *, title: str, system_prompt: str, sampling: Sampling, preset: str, overflow: Overflow
) -> Conversation:
    """A new row without a head."""
    now = time.time()
    settings = (pack(system_prompt), sampling_text(sampling), pack(preset), overflow)
    row = db.execute(
        f"""INSERT INTO conversations (title, created, updated, system_prompt, sampling, preset, overflow)
        VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}""",
        (pack(title), now, now, *settings),
    ).fetchone()
    return _conversation(row)


def rename(db: sqlite3.Connection, id_: int, title: str) -> Conversation:
    """Raises NotFoundError."""
    return _change(db, id_, "title = ?", pack(title))


def configure(
    db: sqlite3.Connection, id_: int, *, system_prompt: str, sampling: Sampling, preset: str, overflow: Overflow
) -> Conversation:
    """Raises NotFoundError."""
    settings = (pack(system_prompt), sampling_text(sampling), pack(preset), overflow)
    return _change(db, id_, "system_prompt = ?, sampling = ?, preset = ?, overflow = ?", *settings)


def set_head(db: sqlite3.Connection, id_: int, head_id: int | None) -> Conversation:
    """Raises NotFoundError."""
    return _change(db, id_, "head_id = ?", head_id)


def used(db: sqlite3.Connection, id_: int, head_id: int, now: float) -> Conversation:
    """Move it to the top of the list with a new head; raises NotFoundError."""
    return _change(db, id_, "head_id = ?, updated = ?", head_id, now)


def hide(db: sqlite3.Connection, id_: int) -> Conversation:
    """Mark it deleted; raises NotFoundError, also if it is already."""
    return _change(db, id_, "deleted = ?", time.time())


def unhide(db: sqlite3.Connection, id_: int) -> Conversation:
    """Undo `hide`; raises NotFoundError if it is gone for good."""
    db.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", (id_,))
    return get(db, id_)


def purge(db: sqlite3.Connection, older_than_seconds: float) -> int:
    """Remove for good, with their messages, those hidden at least that long ago; return how many."""
    limit = time.time() - older_than_seconds
    return db.execute("DELETE FROM conversations WHERE deleted <= ?", (limit,)).rowcount


def _change(db: sqlite3.Connection, id_: int, assignments: str, *values: Any) -> Conversation:
    return _found(
        db.execute(
            f"UPDATE conversations SET {assignments} WHERE id = ? AND deleted IS NULL RETURNING {_COLUMNS}",
            (*values, id_),
        ).fetchone()
    )
