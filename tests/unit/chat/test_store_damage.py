"""Files that are no history, folders that refuse, disks that are full: said clearly, and nothing is touched."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from q8chat.chat.store import Store
from q8chat.chat.types import Status
from q8chat.core.errors import DiskFullError, StoreDamagedError, StoreError, StoreTooNewError
from tests.fakes.big_store import fill

NOBODY = 65534


@contextmanager
def refused(path: Path, kind: type[StoreError] = StoreDamagedError) -> Iterator[pytest.ExceptionInfo[StoreError]]:
    """Opening fails, says what to do, and leaves every file in the folder as it was."""
    before = {p: p.read_bytes() for p in path.parent.iterdir()}
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    assert caught.value.hint
    assert {p: p.read_bytes() for p in path.parent.iterdir()} == before


@pytest.fixture
def full(history: Path) -> Path:
    """A history of a few hundred kilobytes."""
    fill(history, conversations=10, messages=20)
    return history


@pytest.mark.parametrize("size", [1, 15, 100, 4096, 100_000])
def test_random_bytes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "chat.sqlite3"
    path.write_bytes(random.Random(size).randbytes(size))
    with refused(path) as caught:
        Store(path)
    assert f"{path} is damaged or not a database" in str(caught.value)


@pytest.mark.parametrize("keep", [50, 100, 2000, 4096, 8192, 0.5, 0.99])
def test_a_truncated_history(full: Path, keep: float) -> None:
    whole = full.read_bytes()
    full.write_bytes(whole[: int(len(whole) * keep) if keep < 1 else int(keep)])
    with refused(full) as caught:
        Store(full)
    assert "damaged" in caught.value.message


def test_damage_inside_is_found_when_it_is_read(full: Path) -> None:
    whole = bytearray(full.read_bytes())
    whole[4096 * 2 :] = random.Random(1).randbytes(len(whole) - 4096 * 2)
    full.write_bytes(whole)
    with refused(full) as caught, Store(full) as store:
        for conversation in store.conversations():
            store.path(conversation.id)
    assert "damaged" in caught.value.message


def test_an_emptied_file_whose_log_still_holds_everything(history: Path) -> None:
    with Store(history) as store:
        store.create_conversation("in the log")
        log = history.with_name(history.name + "-wal").read_bytes()
    history.write_bytes(b"")
    history.with_name(history.name + "-wal").write_bytes(log)
    with refused(history):
        Store(history)


def test_an_empty_file_becomes_a_history(tmp_path: Path) -> None:
    path = tmp_path / "chat.sqlite3"
    path.touch()
    with Store(path) as store:
        store.create_conversation("fine")


def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "chat.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    with refused(path, StoreError) as caught:
        Store(path)
    assert "another program" in caught.value.message


def test_a_history_of_a_newer_version(full: Path) -> None:
    with closing(sqlite3.connect(full)) as db:
        db.execute("PRAGMA user_version = 7")
    with refused(full, StoreTooNewError) as caught:
        Store(full)
    assert "format 7" in caught.value.message
    assert "up to 1" in caught.value.message


def test_a_newer_version_that_was_killed(full: Path) -> None:
    """Its last words, the version among them, are in the log only; looking must not fold that into the file."""
    script = f"""
import os, sqlite3
db = sqlite3.connect({str(full)!r}, isolation_level=None)
db.execute("PRAGMA user_version = 7")
os._exit(0)
"""
    subprocess.run([shutil.which("python3") or "python3", "-c", script], check=True)
    whole, log = full.read_bytes(), full.with_name(full.name + "-wal").read_bytes()
    assert log
    with pytest.raises(StoreTooNewError, match="format 7"):
        Store(full)
    assert full.read_bytes() == whole
    assert full.with_name(full.name + "-wal").read_bytes() == log


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with refused(tmp_path / "folder", StoreError) as caught:
        (tmp_path / "folder").mkdir()
        try:
            Store(tmp_path / "folder")
        finally:
            (tmp_path / "folder").rmdir()
    assert str(tmp_path / "folder") in caught.value.message


def test_a_file_in_the_place_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="can't be opened"):
        Store(tmp_path / "file" / "chat.sqlite3")
    assert (tmp_path / "file").read_text() == "mine"


@contextmanager
def powerless() -> Iterator[None]:
    """Permissions do not bind root, so become nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        Path(folder).chmod(0o755)


def test_a_folder_without_permission_to_write(public: Path) -> None:
    public.chmod(0o555)
    with powerless(), pytest.raises(StoreError, match="can't be opened") as caught:
        Store(public / "chat.sqlite3")
    assert "permission" in caught.value.hint
    assert list(public.iterdir()) == []


@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_history_without_permission(public: Path, mode: int) -> None:
    path = public / "chat.sqlite3"
    fill(path, conversations=2, messages=2)
    before = path.read_bytes()
    path.chmod(mode)
    public.chmod(0o555)
    with powerless(), pytest.raises(StoreError, match="can't be opened") as caught:
        Store(path)
    assert "permission" in caught.value.hint
    assert path.read_bytes() == before
    assert list(public.iterdir()) == [path]


def test_a_history_that_became_read_only_in_a_writable_folder(public: Path) -> None:
    path = public / "chat.sqlite3"
    fill(path, conversations=2, messages=2)
    path.chmod(0o444)
    public.chmod(0o777)
    with powerless(), pytest.raises(StoreError, match="can't be opened for writing"):
        Store(path)


def test_another_program_that_holds_the_file(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("q8chat.chat.database.BUSY_SECONDS", 0.2)
    with Store(full) as store, closing(sqlite3.connect(full, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another program"):
            store.create_conversation("x")
        assert len(store.conversations()) == 10  # reading goes on
        other.execute("ROLLBACK")
        store.create_conversation("x")


def check_full_disk(store: Store, make_room: object) -> None:
    """Fill up, see that nothing saved is lost, make room, go on."""
    talk = store.create_conversation("talk")
    answer = store.add_message(talk.id, None, "assistant", "so far", Status.STREAMING)
    saved = 0
    with pytest.raises(DiskFullError, match="No space left on the disk"):
        while True:
            store.add_message(talk.id, answer.id, "user", f"{saved} " + os.urandom(20_000).hex())
            saved += 1
    assert saved > 2
    with pytest.raises(DiskFullError):
        store.update_message(answer.id, content="more " * 100_000, status=Status.STREAMING)
    assert store.message(answer.id).content == "so far"
    assert len(store.search("so far")) == 1
    assert store.path(talk.id)[-1].message.content.startswith(f"{saved - 1} ")
    make_room()  # type: ignore[operator]
    store.update_message(answer.id, content="all of it", status=Status.COMPLETE)
    assert store.message(answer.id).content == "all of it"


def test_a_full_disk_as_sqlite_reports_it(store: Store) -> None:
    store._db.execute("PRAGMA max_page_count = 200")
    check_full_disk(store, lambda: store._db.execute("PRAGMA max_page_count = 100000"))


def test_a_really_full_disk(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(1 << 20))
    with Store(small_disk / "chat.sqlite3") as store:
        check_full_disk(store, filler.unlink)
    with Store(small_disk / "chat.sqlite3") as store, closing(sqlite3.connect(small_disk / "chat.sqlite3")) as db:
        assert len(store.conversations()) == 1
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("conversations", [0, 3], ids=["new", "existing"])
def test_a_disk_that_is_full_from_the_start(small_disk: Path, conversations: int) -> None:
    path = small_disk / "chat.sqlite3"
    if conversations:
        fill(path, conversations, messages=2)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as f, pytest.raises(OSError, match="No space"):
        while True:
            f.write(bytes(4096))
    with pytest.raises(DiskFullError, match="No space left"):
        Store(path)
    filler.unlink()
    with Store(path) as store:
        store.create_conversation("now there is room")
        assert len(store.conversations()) == conversations + 1
