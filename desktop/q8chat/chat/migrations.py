"""The tables of the chat database and the numbered steps that lead to them.

A step is never edited once released: a change is a new step at the end of MIGRATIONS. The number of steps done is
SQLite's `user_version`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from q8chat.core.errors import StoreError, StoreTooNewError

APPLICATION_ID = 0x51384348  # "Q8CH", tells our files from other programs' SQLite files

Step = tuple[str, ...]

# Composite foreign keys keep a message's parent and a conversation's head inside the conversation. parent_id has no
# ON DELETE CASCADE: SQLite limits cascades to 1,000 levels and a conversation may be deeper.
_TABLES: Step = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    """CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        system_prompt TEXT NOT NULL,
        sampling TEXT NOT NULL,
        preset TEXT NOT NULL,
        overflow TEXT NOT NULL,
        head_id INTEGER,
        deleted REAL,
        FOREIGN KEY (id, head_id) REFERENCES messages (conversation_id, id)
    )""",
    "CREATE INDEX conversations_by_use ON conversations (updated DESC, id DESC) WHERE deleted IS NULL",
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent_id INTEGER,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
        content TEXT NOT NULL,
        status TEXT NOT NULL,
        created REAL NOT NULL,
        model TEXT NOT NULL,
        error TEXT NOT NULL,
        usage TEXT,
        writer_pid INTEGER,
        writer_started REAL,
        UNIQUE (conversation_id, id),
        FOREIGN KEY (conversation_id, parent_id) REFERENCES messages (conversation_id, id),
        CHECK ((status = 'streaming') = (writer_pid IS NOT NULL))
    )""",
    "CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id)",
    "CREATE INDEX messages_streaming ON messages (id) WHERE status = 'streaming'",
    "CREATE TABLE presets (name TEXT PRIMARY KEY COLLATE NOCASE, sampling TEXT NOT NULL)",
)

# search_text() is ours (search.py). The view lets SQLite rebuild and check the index.
_SEARCH: Step = (
    "CREATE VIEW messages_search AS SELECT id, search_text(content) AS content FROM messages",
    """CREATE VIRTUAL TABLE messages_fts USING fts5 (
        content, content = 'messages_search', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER messages_added AFTER INSERT ON messages BEGIN
        INSERT INTO messages_fts (rowid, content) VALUES (new.id, search_text(new.content));
    END""",
    """CREATE TRIGGER messages_removed AFTER DELETE ON messages BEGIN
        INSERT INTO messages_fts (messages_fts, rowid, content)
        VALUES ('delete', old.id, search_text(old.content));
    END""",
    """CREATE TRIGGER messages_edited AFTER UPDATE OF content ON messages
    WHEN old.content IS NOT new.content BEGIN
        INSERT INTO messages_fts (messages_fts, rowid, content)
        VALUES ('delete', old.id, search_text(old.content));
        INSERT INTO messages_fts (rowid, content) VALUES (new.id, search_text(new.content));
    END""",
)

MIGRATIONS: tuple[Step, ...] = (_TABLES + _SEARCH,)


@contextmanager
def transaction(db: sqlite3.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing. IMMEDIATE takes the write lock at once, so that waiting for it happens in one place."""
    db.execute(f"BEGIN {mode}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def check_version(db: sqlite3.Connection, known: int = len(MIGRATIONS)) -> int:
    """How many steps the file has had. Changes nothing.

    Raises StoreTooNewError if it has had more than `known`, StoreError if it is another program's file.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    has_tables = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    if application != APPLICATION_ID and (has_tables or version or application):
        raise StoreError(
            "This file is a database of another program, not a Q8 Chat history.",
            "Nothing in it was changed. Move it elsewhere and start Q8 Chat again.",
        )
    if version > known:
        raise StoreTooNewError(
            f"Your chat history has format {version}; this version of Q8 Chat knows formats up to {known}.",
            "Nothing was changed. Use the newer Q8 Chat that wrote it, or update this one.",
        )
    return version


def migrate(db: sqlite3.Connection, steps: Sequence[Step] = MIGRATIONS) -> None:
    """Bring the database to the newest format, one transaction per step.

    The version is read under the write lock, so two processes starting at once do each step once.
    """
    done = False
    while not done:
        with transaction(db):
            version = check_version(db, len(steps))
            done = version == len(steps)
            if not done:
                for statement in steps[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
