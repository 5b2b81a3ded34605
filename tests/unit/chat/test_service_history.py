"""The history under the service: killed processes, damaged and newer files, full disks. Nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from q8chat.chat.events import ConversationList, ConversationOpened, MessageText, Problem, Unsent
from q8chat.chat.store import Store
from q8chat.chat.types import Message, Status
from tests.unit.chat.service_driver import LONG, STORY, ServiceDriver

APPLICATION = """
import json, sys, time
from pathlib import Path
from q8chat.chat.events import MessageText
from q8chat.chat.service import ChatService
def tell(event):
    if isinstance(event, MessageText):
        print(json.dumps([time.monotonic(), event.message_id, event.text]), flush=True)
service = ChatService(tell, Path(sys.argv[1]))
service.start()
service.load_model(sys.argv[2])
service.send(None, sys.argv[3])
time.sleep(600)
"""


def test_kill_9_of_the_application_costs_at_most_a_second(history: Path, starter_model: Path) -> None:
    command = [sys.executable, "-c", APPLICATION, str(history), str(starter_model), STORY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as application:
        assert application.stdout
        lines = [json.loads(application.stdout.readline())]
        while lines[-1][0] - lines[0][0] < 2.5:
            lines.append(json.loads(application.stdout.readline()))
        (engine,) = psutil.Process(application.pid).children()
        application.kill()
        killed = time.monotonic()
        lines += [json.loads(line) for line in application.stdout if line.endswith("\n")]
    engine.wait(timeout=5)
    driver = ServiceDriver(history)
    try:
        driver.wait(ConversationList)
        driver.service.open_conversation(1)
        message = driver.wait(ConversationOpened).path[-1].message
    finally:
        driver.service.close()
    assert message.id == lines[0][1]
    assert message.status is Status.INTERRUPTED
    assert message.error
    old = "".join(text for at, _, text in lines if at <= killed - 1.0)
    everything = "".join(text for _, _, text in lines)
    assert len(old) > 20
    assert message.content.startswith(old)
    assert everything.startswith(message.content)


def test_a_damaged_history_is_kept_and_a_new_one_begun(history: Path) -> None:
    history.parent.mkdir(parents=True)
    history.write_bytes(b"not a database " * 1000)
    driver = ServiceDriver(history)
    try:
        assert "damaged" in driver.problem("store_damaged").message
        driver.service.send(None, "Is this lost?")
        assert driver.wait(Unsent).text == "Is this lost?"
        driver.service.set_aside_database()
        assert driver.wait(ConversationList).conversations == ()
        driver.service.new_conversation()
        driver.wait(ConversationOpened)
    finally:
        driver.service.close()
    (kept,) = history.parent.glob("*.damaged-*")
    assert kept.read_bytes() == b"not a database " * 1000


def test_damage_that_shows_later(history: Path) -> None:
    with Store(history) as store:
        talk = store.create_conversation("talk")
        for n in range(50):
            talk_head = store.conversation(talk.id).head_id
            store.add_message(talk.id, talk_head, "user", f"{n} " * 400)
    whole = bytearray(history.read_bytes())
    whole[len(whole) // 2 :] = os.urandom(len(whole) - len(whole) // 2)
    driver = ServiceDriver(history)
    try:
        driver.wait(ConversationList)
        history.write_bytes(whole)
        driver.service.open_conversation(talk.id)
        assert driver.wait(Problem).code == "store_damaged"
        driver.service.set_aside_database()
        assert driver.wait(ConversationList).conversations == ()
        driver.service.set_aside_database()  # at once again: the first one kept is not overwritten
        driver.wait(ConversationList)
    finally:
        driver.service.close()
    kept = [p for p in history.parent.glob("*.damaged-*") if not p.name.endswith(("-wal", "-shm"))]
    assert len(kept) == 2
    assert bytes(whole) in [p.read_bytes() for p in kept]


def test_a_history_of_a_newer_version_is_not_touched(history: Path) -> None:
    with Store(history) as store:
        store.create_conversation("mine")
    with closing(sqlite3.connect(history)) as db:
        db.execute("PRAGMA user_version = 99")
    before = history.read_bytes()
    driver = ServiceDriver(history)
    try:
        assert "99" in driver.problem("store_too_new").message
        driver.service.new_conversation()
        driver.problem("store_too_new")
    finally:
        driver.service.close()
    assert history.read_bytes() == before


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            return filler


def test_a_disk_that_fills_up_while_an_answer_streams(small_disk: Path, starter_model: Path) -> None:
    driver = ServiceDriver(small_disk / "chat.sqlite3")
    try:
        driver.load(starter_model)
        talk = driver.conversation(LONG)
        shown = driver.streaming(talk, pieces=1)
        filler = fill(small_disk)
        shown += driver.wait(MessageText).text
        while True:  # until what is written no longer fits into the log's last page
            event = driver.wait((MessageText, Problem))  # type: ignore[arg-type]
            if isinstance(event, Problem):
                break
            shown += event.text
        assert event.code == "disk_full"
        assert "No space left" in event.message
        driver.service.stop()
        answer: Message = driver.finished()
        assert answer.content.startswith(shown)
        driver.service.send(talk, "And this?")
        assert driver.wait(Unsent).text == "And this?"
        filler.unlink()
        deadline = time.monotonic() + 15
        while driver.stored(answer.id) != answer:
            assert time.monotonic() < deadline, "the answer was not saved when there was room again"
            time.sleep(0.1)
        assert answer.status is Status.STOPPED
    finally:
        driver.service.close()


def test_a_disk_that_is_full_from_the_start(small_disk: Path) -> None:
    database = small_disk / "chat.sqlite3"
    with Store(database) as store:
        store.create_conversation("old")
    filler = fill(small_disk)
    driver = ServiceDriver(database)
    try:
        driver.problem("disk_full")
        driver.service.send(None, "Keep this.")
        assert driver.wait(Unsent).text == "Keep this."
        driver.problem("disk_full")
        filler.unlink()
        answer = driver.say(None, "Keep this.")
        assert driver.texts(answer.conversation_id)[0] == "Keep this."
        lists = [e.conversations for e in driver.seen if isinstance(e, ConversationList)]
        assert [c.title for c in lists[-1]] == ["Keep this.", "old"]
    finally:
        driver.service.close()
