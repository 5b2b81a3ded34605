"""Opening the SQLite file of the chat history, and turning SQLite's errors into ours."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from q8chat.chat.migrations import check_version, migrate
from q8chat.chat.search import search_text
from q8chat.core.errors import DiskFullError, Q8Error, StoreDamagedError, StoreError

BUSY_SECONDS = 5.0
LOOKS, LOOK_AGAIN = 5, 0.05  # times, seconds between them
_SMALLEST = 512  # bytes of a database's first page
_FULL_BELOW = 1 << 20  # an I/O error with less than this free is the disk being full

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into StoreError or DiskFullError about `path`."""
    try:
        yield
    except sqlite3.Error as e:
        raise _explained(path, e) from e
    except OSError as e:
        raise StoreError(
            f"The chat history {path} can't be opened: {e.strerror}.", "Check the folder and its permissions."
        ) from e


def connect(path: Path) -> sqlite3.Connection:
    """Open the history, create it if there is none, bring it to the newest format.

    Raises StoreTooNewError, StoreError (damaged, another program's, no permission, busy) or DiskFullError; the file
    is then as it was.
    """
    with translated(path):
        _check_unopened(path)
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db.create_function("search_text", 1, search_text, deterministic=True)
            db.execute("PRAGMA foreign_keys = ON")
            _use_wal(db)
            db.execute("PRAGMA synchronous = NORMAL")
            migrate(db)
            db.execute("DELETE FROM presets WHERE 0")  # refused now, not at the first message, if read-only
        except BaseException:
            db.close()
            raise
        return db


def _check_unopened(path: Path) -> None:
    """Raise what `_look` finds, if it still finds it a moment later.

    It takes no lock, so a process that is just creating the file, or writing its log back, looks like damage.
    """
    for _ in range(LOOKS - 1):
        try:
            _look(path)
            return
        except (sqlite3.DatabaseError, StoreDamagedError):
            time.sleep(LOOK_AGAIN)
    _look(path)


def _look(path: Path) -> None:
    """Look at the file without the right to write, because merely opening and closing one may change it.

    It is never opened but by SQLite: closing a file drops every lock this process holds on it.
    """
    wal = path.with_name(path.name + "-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # conversations are nobody else's business
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    size = path.stat().st_size
    if size == 0 and not has_wal:
        return
    if size < _SMALLEST:  # SQLite would start afresh in it, and delete the log
        raise _damaged(path)
    access = "mode=ro" if has_wal else "immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{access}", timeout=BUSY_SECONDS, uri=True)) as db:
        check_version(db)
        # SQLite takes the missing rest of a page for zeros. Only the log could supply it.
        if not has_wal and size % db.execute("PRAGMA page_size").fetchone()[0]:
            raise _damaged(path)


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait by itself if another process is just doing the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if _primary_code(e) not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _primary_code(error: sqlite3.Error) -> int:
    # Errors of the Python module itself, such as using a closed connection, carry no code.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _damaged(path: Path) -> StoreDamagedError:
    return StoreDamagedError(
        f"The chat history {path} is damaged or not a database.",
        "Nothing in it was changed. Put a backup in its place, or move it away to start with an empty history.",
    )


def _explained(path: Path, error: sqlite3.Error) -> Q8Error:
    code = _primary_code(error)
    # Where the shared-memory file beside the log has no room to grow, SQLite speaks of an I/O error.
    full = code in _UNWRITABLE and path.parent.is_dir() and shutil.disk_usage(path.parent).free < _FULL_BELOW
    if code == sqlite3.SQLITE_FULL or full:
        return DiskFullError(
            f"No space left on the disk to save the chat history {path}.", "Free some space and try again."
        )
    if code in _DAMAGED:
        return _damaged(path)
    if code in _DENIED:
        return StoreError(
            f"The chat history {path} can't be opened for writing.",
            "Check the permissions of the file and of its folder.",
        )
    if code in _BUSY:
        return StoreError(
            f"The chat history {path} is in use by another program.", "Close the other program and try again."
        )
    return StoreError(f"The chat history {path} can't be used: {error}.", "Start Q8 Chat again.")
