"""The application's side of the engine: odd ends of the process, and what is said about them."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from q8chat.core import paths
from q8chat.runtime import client as client_module
from q8chat.runtime.client import EngineClient
from q8chat.runtime.messages import Delta, Died, Failed, Generate, Load, Turn, Wire
from tests.unit.runtime.engine_driver import Driver


class Scripted:
    """The real client with a Python script in the place of the engine."""

    def __init__(self, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "command", lambda _role: [sys.executable, "-c", script])
        self.events: queue.Queue[Any] = queue.Queue()
        self.client = EngineClient(self.events.put)

    def died(self) -> Died:
        while not isinstance(event := self.events.get(timeout=20), Died):
            pass
        return event


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit(3)", "it ended by itself (exit code 3)"),
        ("raise ValueError('for this reason')", "ValueError: for this reason"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGALRM)", "template does not come to an end"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "signal 24"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 5)", "signal 39"),
        ("print('hello, I am no engine', flush=True); import time; time.sleep(60)", "can't be understood"),
        ('print(\'{"kind": "died"}\', flush=True); import time; time.sleep(60)', "can't be understood"),
        ('import os, sys; sys.stdout.write(\'{"kind": "del\'); sys.stdout.flush(); os._exit(7)', "exit code 7"),
    ],
)
def test_every_end_is_reported_once(script: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half line at the end, an unknown signal, another program's words: never silence."""
    scripted = Scripted(script, monkeypatch)
    died = scripted.died()
    assert died.reason.startswith("The engine stopped: ")
    assert words in died.reason
    assert not died.expected
    scripted.client.send(Load("x"))  # swallowed
    scripted.client.close()
    assert scripted.events.empty()
    assert list(paths.log_dir().iterdir()) == []


def test_what_came_before_a_half_line_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Wire.encode(Delta(1, "so far")).decode()
    scripted = Scripted(f"import sys; sys.stdout.write({line!r} + {line[:9]!r})", monkeypatch)
    assert scripted.events.get(timeout=20) == Delta(1, "so far")
    assert scripted.died()


def test_closing_again_and_from_the_clients_own_thread(engine: Driver) -> None:
    engine.client.close()
    assert engine.wait(Died).expected
    engine.client.close()
    closed = threading.Event()

    def close(_event: object) -> None:
        other.close()
        closed.set()

    other = EngineClient(close)
    os.kill(other.process.pid, signal.SIGKILL)
    assert closed.wait(10)


def test_two_engines_of_one_application_keep_their_logs_apart(starter_model: Path) -> None:
    first, second = Driver(), Driver()
    first.client.close()
    os.kill(second.client.process.pid, signal.SIGABRT)
    assert "gave up" in second.wait(Died).reason
    second.client.close()


def test_answering_without_a_model(engine: Driver, tmp_path: Path) -> None:
    engine.request([Turn("user", "Hello.")])
    failed = engine.wait(Failed)
    assert (failed.id, failed.code, failed.message) == (1, "engine", "No model is loaded.")
    engine.client.send(Load(str(tmp_path / "gone.gguf")))
    assert engine.wait(Failed).id is None
    engine.request([Turn("user", "Hello.")])
    assert engine.wait(Failed).id == 2


def test_nothing_to_answer(shared_engine: Driver) -> None:
    shared_engine.client.send(Generate(900, ()))
    assert "nothing to answer" in shared_engine.wait(Failed).message


@pytest.fixture
def raw() -> Iterator[subprocess.Popen[bytes]]:
    """The engine process without a client."""
    with subprocess.Popen(
        [sys.executable, "-m", "q8chat", "engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"\xff\xfe\n", b"{}\n", b'{"kind": "stop"}\n', b"[" * 100_000 + b"\n"]
)
def test_a_request_that_is_none_ends_the_engine_with_a_reason(raw: subprocess.Popen[bytes], line: bytes) -> None:
    """A reading thread that died silently would leave a process that nobody can stop."""
    assert raw.stdin
    assert raw.stderr
    raw.stdin.write(line)
    raw.stdin.flush()
    assert raw.wait(timeout=20) == 1
    assert b"Error" in raw.stderr.read().splitlines()[-1]


def test_the_engine_ends_with_its_input(raw: subprocess.Popen[bytes]) -> None:
    assert raw.stdin
    time.sleep(0.3)
    raw.stdin.close()
    assert raw.wait(timeout=10) == 0


def test_ctrl_c_is_not_for_the_engine(engine: Driver, starter_model: Path) -> None:
    engine.load(starter_model)
    engine.request([Turn("user", "Count to three.")])
    os.kill(engine.client.process.pid, signal.SIGINT)
    assert engine.wait(Delta).text
    assert engine.client.process.poll() is None
