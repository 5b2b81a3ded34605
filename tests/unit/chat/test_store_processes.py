"""Several processes at one history, and processes that are killed while they write."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from q8chat.chat.database import connect
from q8chat.chat.store import Store
from q8chat.chat.types import Status

# Streams an answer until it is told to end, and reports each update once it is saved.
STREAMER = """
import sys
from pathlib import Path
from q8chat.chat.store import Store
from q8chat.chat.types import Status
store = Store(Path(sys.argv[1]))
talk = store.create_conversation("streamed")
answer = store.add_message(talk.id, None, "assistant", "", Status.STREAMING)
print(answer.id, flush=True)
n = 0
while True:
    n += 1
    store.update_message(answer.id, content=" ".join(map(str, range(n + 1))), status=Status.STREAMING)
    print(n, flush=True)
"""

# Adds 100 messages, each a child of the one before, with growing answers in between.
WRITER = """
import sys
from pathlib import Path
from q8chat.chat.store import Store
from q8chat.chat.types import Status
path, name = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
with Store(path) as store:
    talk = store.create_conversation(name)
    parent = None
    for n in range(100):
        message = store.add_message(talk.id, parent, "user", f"{name} {n}")
        store.update_message(message.id, content=f"{name} {n} edited", status=Status.COMPLETE)
        parent = message.id
"""


@contextmanager
def child(script: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, *map(str, args)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_number(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def check_integrity(path: Path) -> None:
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")


def test_kill_9_while_streaming_loses_nothing_that_was_saved(history: Path) -> None:
    with child(STREAMER, history) as process:
        answer_id = read_number(process)
        while read_number(process) < 30:
            pass
        process.send_signal(signal.SIGKILL)
        assert process.stdout
        saved = max([30, *map(int, process.stdout.read().split())])
        process.wait()
    with Store(history) as store:
        before = store.message(answer_id)
        assert before.status is Status.STREAMING
        assert len(before.content.split()) > saved
        assert store.mark_interrupted("Q8 Chat was killed.") == 1
        after = store.message(answer_id)
        assert (after.status, after.error) == (Status.INTERRUPTED, "Q8 Chat was killed.")
        assert after.content == before.content
        assert store.mark_interrupted("again") == 0
    check_integrity(history)


def test_a_live_processs_stream_is_left_alone_until_it_is_dead(history: Path) -> None:
    with child(STREAMER, history) as process, Store(history) as store:
        answer_id = read_number(process)
        read_number(process)
        assert store.mark_interrupted("too early") == 0
        assert store.message(answer_id).status is Status.STREAMING
        process.send_signal(signal.SIGKILL)
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert store.mark_interrupted("killed") == 1  # although nobody has waited for it yet


# Opens 30 new histories, each at the same moment as the other processes that run this.
OPENER = """
import sys, time
from pathlib import Path
from q8chat.chat.store import Store
start = float(sys.stdin.readline())
for n in range(30):
    while time.time() < start + n * 0.03:
        pass
    with Store(Path(sys.argv[1]) / str(n)) as store:
        store.create_conversation(str(n))
"""


def test_processes_that_start_at_the_same_moment(tmp_path: Path) -> None:
    with child(OPENER, tmp_path) as a, child(OPENER, tmp_path) as b, child(OPENER, tmp_path) as c:
        for process in (a, b, c):
            assert process.stdin
            process.stdin.write(f"{time.time() + 1}\n")
            process.stdin.flush()
        assert [process.wait(60) for process in (a, b, c)] == [0, 0, 0]
    for n in range(30):
        with Store(tmp_path / str(n)) as store:
            assert [c.title for c in store.conversations()] == [str(n)] * 3


def test_a_process_id_that_another_program_has_now_does_not_count(history: Path) -> None:
    with Store(history) as store, child("input()") as other:
        talk = store.create_conversation("talk")
        store.add_message(talk.id, None, "assistant", "so far", Status.STREAMING)
        with closing(sqlite3.connect(history, isolation_level=None)) as db:
            db.execute("UPDATE messages SET writer_pid = ?, writer_started = writer_started - 3600", (other.pid,))
        assert store.mark_interrupted("the id belongs to a program that started later") == 1


def test_a_process_id_that_we_have_now_does_not_count(history: Path) -> None:
    with Store(history) as store:
        talk = store.create_conversation("talk")
        answer = store.add_message(talk.id, None, "assistant", "so far", Status.STREAMING)
        with closing(sqlite3.connect(history, isolation_level=None)) as db:
            db.execute("UPDATE messages SET writer_started = writer_started - 3600")
        assert store.mark_interrupted("of an earlier process with our number") == 1
        # Should that ever hit a live one, its next save puts it right.
        again = store.update_message(answer.id, content="more", status=Status.STREAMING)
        assert (again.status, again.error) == (Status.STREAMING, "")
        assert store.mark_interrupted("no") == 0


@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
def test_processes_writing_at_the_same_time(history: Path, exists: bool) -> None:
    if exists:
        Store(history).close()
    names = ["ant", "bee", "cow"]
    with child(WRITER, history, "ant") as a, child(WRITER, history, "bee") as b, child(WRITER, history, "cow") as c:
        for process in (a, b, c):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(120) for process in (a, b, c)] == [0, 0, 0]
    with Store(history) as store:
        conversations = {c.title: c for c in store.conversations()}
        assert sorted(conversations) == names
        for name in names:
            texts = [p.message.content for p in store.path(conversations[name].id)]
            assert texts == [f"{name} {n} edited" for n in range(100)]
            assert len(store.search(f"{name} edited", limit=1000)) == 100
    check_integrity(history)


def test_two_windows_answer_in_one_conversation(history: Path) -> None:
    with Store(history) as one, Store(history) as other:
        talk = one.create_conversation("shared")
        question = other.add_message(talk.id, None, "user", "Q")
        first = one.add_message(talk.id, question.id, "assistant", "one's")
        second = other.add_message(talk.id, question.id, "assistant", "other's")
        assert one.path(talk.id)[-1].message == second
        assert one.path(talk.id)[-1].previous_id == first.id
        one.delete(talk.id)
        assert other.conversations() == ()
