"""Numbered steps from format to format."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from q8chat.chat.database import connect
from q8chat.chat.migrations import APPLICATION_ID, MIGRATIONS, migrate
from q8chat.chat.store import Store
from q8chat.core.errors import StoreTooNewError
from tests.fakes.big_store import fill

NEXT = (*MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN pinned REAL", "UPDATE conversations SET pinned = 1.5"))


@pytest.fixture
def db(history: Path) -> Iterator[sqlite3.Connection]:
    """A history with something in it."""
    fill(history, conversations=3, messages=4)
    with closing(connect(history)) as opened:
        yield opened


def version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_a_new_file_gets_every_step_and_our_mark(db: sqlite3.Connection) -> None:
    assert version(db) == len(MIGRATIONS)
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_the_settings_that_keep_data_safe(db: sqlite3.Connection) -> None:
    def pragma(name: str) -> object:
        return db.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("foreign_keys"), pragma("synchronous")) == ("wal", 1, 1)
    assert pragma("busy_timeout") == 5000


def test_only_the_steps_that_are_missing_are_done(db: sqlite3.Connection) -> None:
    migrate(db, NEXT)
    migrate(db, NEXT)
    assert version(db) == len(NEXT)
    assert db.execute("SELECT pinned FROM conversations").fetchall() == [(1.5,)] * 3


def test_a_step_that_fails_leaves_everything_as_it_was(db: sqlite3.Connection, history: Path) -> None:
    before = list(db.iterdump())
    bad = (*NEXT[:-1], (*NEXT[-1], "DROP TABLE presets", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(db, bad)
    assert version(db) == len(MIGRATIONS)
    assert list(db.iterdump()) == before
    with Store(history) as store:
        assert len(store.conversations()) == 3


def test_a_format_that_was_upgraded_in_between_is_refused(db: sqlite3.Connection) -> None:
    migrate(db, NEXT)
    with pytest.raises(StoreTooNewError, match=f"format {len(NEXT)}.*up to {len(MIGRATIONS)}"):
        migrate(db)
    assert not db.in_transaction


def test_the_schema_keeps_parents_and_heads_inside_their_conversation(db: sqlite3.Connection) -> None:
    (own, foreign) = (row[0] for row in db.execute("SELECT head_id FROM conversations WHERE id < 3"))
    for statement in (
        f"UPDATE conversations SET head_id = {foreign} WHERE id = 1",
        f"UPDATE messages SET parent_id = {foreign} WHERE id = {own}",
        f"UPDATE messages SET conversation_id = 99 WHERE id = {own}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            db.execute(statement)
