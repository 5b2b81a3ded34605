"""The rows of messages, a tree per conversation. Every function is called within a transaction of the store.

A child's id is always larger than its parent's, so order by id is order from root to leaf.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from q8chat.chat import conversations, writers
from q8chat.chat.text import pack, unpack
from q8chat.chat.types import Conversation, Message, PathMessage, Status
from q8chat.core.errors import NotFoundError, StoreError
from q8chat.runtime.messages import Usage

_COLUMNS = "id, conversation_id, parent_id, role, content, status, created, model, error, usage"

_BRANCH = f"""WITH RECURSIVE branch (id) AS (
        SELECT head_id FROM conversations WHERE id = ?
        UNION SELECT m.parent_id FROM messages m JOIN branch b ON m.id = b.id WHERE m.parent_id IS NOT NULL
    )
    SELECT {_COLUMNS} FROM messages WHERE id IN branch ORDER BY id"""
# The newest message beneath is a leaf: a child of it would be newer still.
_NEWEST_BENEATH = """WITH RECURSIVE beneath (id) AS (
        SELECT :message UNION SELECT m.id FROM messages m JOIN beneath b
            ON m.conversation_id = :conversation AND m.parent_id = b.id
    )
    SELECT max(id) FROM beneath"""


def _message(row: tuple[Any, ...] | None) -> Message:
    if row is None:
        raise NotFoundError("This message no longer exists.", "It may have been deleted in another window.")
    id_, conversation_id, parent_id, role, content, status, created, model, error, usage = row
    return Message(
        id_,
        conversation_id,
        parent_id,
        role,
        unpack(content),
        Status(status),
        created,
        unpack(model),
        unpack(error),
        Usage.from_dict(json.loads(usage)) if usage else None,
    )


def get(db: sqlite3.Connection, id_: int) -> Message:
    """One of a conversation that is not deleted; raises NotFoundError."""
    message = _message(db.execute(f"SELECT {_COLUMNS} FROM messages WHERE id = ?", (id_,)).fetchone())
    conversations.get(db, message.conversation_id)
    return message


def add(
    db: sqlite3.Connection,
    conversation_id: int,
    parent_id: int | None,
    *,
    role: str,
    content: str,
    status: Status,
    model: str,
) -> Message:
    """A new message, which becomes the head; raises NotFoundError, or StoreError for a parent elsewhere."""
    conversations.get(db, conversation_id)
    _require_inside(db, parent_id, conversation_id)
    now = time.time()
    message = _message(
        db.execute(
            f"""INSERT INTO messages (conversation_id, parent_id, role, content, status, created, model, error,
                writer_pid, writer_started)
            VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?) RETURNING {_COLUMNS}""",
            (conversation_id, parent_id, role, pack(content), status, now, pack(model), *_writer(status)),
        ).fetchone()
    )
    conversations.used(db, conversation_id, message.id, now)
    return message


def update(
    db: sqlite3.Connection, id_: int, *, content: str, status: Status, error: str, usage: Usage | None
) -> Message:
    """Raises NotFoundError if it is gone for good; a hidden conversation is no obstacle, it may come back."""
    usage_text = None if usage is None else json.dumps(asdict(usage), separators=(",", ":"))
    return _message(
        db.execute(
            f"""UPDATE messages SET content = ?, status = ?, error = ?, usage = ?, writer_pid = ?,
                writer_started = ? WHERE id = ? RETURNING {_COLUMNS}""",
            (pack(content), status, pack(error), usage_text, *_writer(status), id_),
        ).fetchone()
    )


def mark_interrupted(db: sqlite3.Connection, reason: str) -> int:
    """Mark the streaming messages whose writer is dead; return how many."""
    rows = db.execute("SELECT id, writer_pid, writer_started FROM messages WHERE status = 'streaming'").fetchall()
    alive = {writer: writers.is_alive(writer) for writer in {row[1:] for row in rows}}
    dead = [(pack(reason), row[0]) for row in rows if not alive[row[1:]]]
    db.executemany(
        """UPDATE messages SET status = 'interrupted', error = ?, writer_pid = NULL, writer_started = NULL
        WHERE id = ?""",
        dead,
    )
    return len(dead)


def set_head(db: sqlite3.Connection, conversation_id: int, message_id: int | None) -> Conversation:
    """Raises NotFoundError, or StoreError for a message elsewhere."""
    _require_inside(db, message_id, conversation_id)
    return conversations.set_head(db, conversation_id, message_id)


def switch_to(db: sqlite3.Connection, message_id: int) -> Conversation:
    """Make the newest leaf beneath the message the head; raises NotFoundError."""
    conversation_id = get(db, message_id).conversation_id
    leaf = db.execute(_NEWEST_BENEATH, {"conversation": conversation_id, "message": message_id}).fetchone()[0]
    return conversations.set_head(db, conversation_id, leaf)


def path(db: sqlite3.Connection, conversation_id: int) -> tuple[PathMessage, ...]:
    """The shown branch from the first message to the head; raises NotFoundError."""
    conversations.get(db, conversation_id)
    siblings: defaultdict[int | None, list[int]] = defaultdict(list)
    rows = db.execute(
        "SELECT id, parent_id FROM messages WHERE conversation_id = ? ORDER BY id", (conversation_id,)
    )
    for id_, parent_id in rows:
        siblings[parent_id].append(id_)
    branch = db.execute(_BRANCH, (conversation_id,))
    return tuple(_placed(m, siblings[m.parent_id]) for m in map(_message, branch))


def _placed(message: Message, siblings: list[int]) -> PathMessage:
    at = siblings.index(message.id)
    return PathMessage(
        message,
        index=at + 1,
        count=len(siblings),
        previous_id=siblings[at - 1] if at else None,
        next_id=siblings[at + 1] if at + 1 < len(siblings) else None,
    )


def _require_inside(db: sqlite3.Connection, message_id: int | None, conversation_id: int) -> None:
    if message_id is not None and get(db, message_id).conversation_id != conversation_id:
        raise StoreError("This message belongs to another conversation.", "Open its conversation and try again.")


def _writer(status: Status) -> writers.Writer | tuple[None, None]:
    return writers.this_process() if status is Status.STREAMING else (None, None)
