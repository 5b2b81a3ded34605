"""The engine dies of many things. The reason reaches the user, and no engine outlives its application."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from q8chat.runtime.messages import Delta, Died, Failed, Load, Turn
from q8chat.runtime.sampling import Sampling
from tests.unit.runtime.engine_driver import Driver


@pytest.mark.parametrize(
    ("number", "word"),
    [(signal.SIGKILL, "memory"), (signal.SIGSEGV, "crashed"), (signal.SIGABRT, "gave up"), (signal.SIGILL, "CPU")],
)
def test_killed_while_writing(engine: Driver, starter_model: Path, number: signal.Signals, word: str) -> None:
    engine.load(starter_model)
    engine.request([Turn("user", "Write a long story.")], Sampling(temperature=0, repeat_penalty=1.2))
    engine.wait(Delta)
    os.kill(engine.client.process.pid, number)
    died = engine.wait(Died)
    assert not died.expected
    assert word in died.reason


def test_closing_is_not_a_crash(starter_model: Path) -> None:
    driver = Driver()
    driver.load(starter_model)
    driver.client.close()
    assert driver.wait(Died).expected


def with_block_count(model: Path, target: Path, count: int) -> Path:
    """A copy of `model` whose header claims another number of layers."""
    data = bytearray(model.read_bytes())
    key = b"llama.block_count"
    at = data.index(key) + len(key) + 4
    data[at : at + 4] = struct.pack("<I", count)
    target.write_bytes(data)
    return target


def test_a_header_that_makes_llama_cpp_abort_costs_only_the_engine(
    engine: Driver, starter_model: Path, tmp_path: Path
) -> None:
    bad = with_block_count(starter_model, tmp_path / "zero.gguf", 0)
    engine.client.send(Load(str(bad)))
    while not isinstance(event := engine.events.get(timeout=30), Died | Failed):
        pass
    said = event.reason if isinstance(event, Died) else event.message
    assert "llama.cpp" in said


CHILD = """
import queue, sys
from q8chat.runtime.client import EngineClient
from q8chat.runtime.messages import Delta, Generate, Load, Turn
events = queue.Queue()
client = EngineClient(events.put)
client.send(Load(sys.argv[1]))
client.send(Generate(1, (Turn("user", "Write a long story."),)))
while not isinstance(events.get(timeout=60), Delta):
    pass
print(client.process.pid, flush=True)
sys.stdin.read()
"""


def test_the_engine_dies_with_an_application_that_was_killed(starter_model: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(starter_model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as application:
        assert application.stdout
        pid = int(application.stdout.readline())
        assert psutil.pid_exists(pid)
        application.kill()
        deadline = time.monotonic() + 5
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the engine is still alive"
            time.sleep(0.02)
