"""Chatting on a real (pseudo) terminal: Ctrl+C stops an answer, Ctrl+D ends."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

CTRL_C, CTRL_D = b"\x03", b"\x04"


class Terminal:
    """`q8chat chat` as the only program of a terminal, as a shell would start it."""

    def __init__(self, *args: str) -> None:
        master, slave = pty.openpty()
        self.master = master
        code = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        code += "os.execv(sys.argv[1], sys.argv[1:])"
        program = str(Path(sys.executable).parent / "q8chat")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, program, "chat", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(os.environ, TERM="dumb"),
        )
        os.close(slave)
        self.shown = ""

    def until(self, pattern: str, timeout: float = 30.0) -> str:
        """Read until `pattern` appears in what was not read before; return that."""
        deadline, new = time.monotonic() + timeout, ""
        while not re.search(pattern, new):
            assert time.monotonic() < deadline, f"{pattern!r} did not come: {new!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                new += os.read(self.master, 1).decode("utf-8", "replace")
        self.shown += new
        return new

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)


@pytest.fixture
def terminal(starter_model: Path) -> Iterator[Terminal]:
    made = Terminal(str(starter_model), "--temperature", "0", "--repeat-penalty", "1.2")
    made.until(r"Ctrl\+D ends")
    made.until("> ")
    yield made
    made.process.kill()
    made.process.wait()
    os.close(made.master)


def test_ctrl_c_stops_the_answer_and_the_chat_goes_on(terminal: Terminal) -> None:
    terminal.type(b"Write a very long story about a whale and a lighthouse, with many chapters.\n")
    terminal.until(r"\n.{30}")
    terminal.type(CTRL_C)
    pressed = time.monotonic()
    assert "first token after" in terminal.until(r"\] ?\r?\n")
    terminal.until("> ")
    assert time.monotonic() - pressed < 2
    terminal.type(b"Name one colour, in one word.\n")
    figures = terminal.until(r"reused\]")
    assert int(re.findall(r"([\d,]+) reused", figures)[-1].replace(",", "")) > 45
    terminal.until("> ")
    terminal.type(CTRL_D)
    assert terminal.process.wait(timeout=10) == 0


def test_a_message_that_is_too_long_does_not_end_the_chat(starter_model: Path) -> None:
    terminal = Terminal(str(starter_model), "--temperature", "0", "--ctx", "256", "--max-tokens", "8")
    try:
        terminal.until("> ")
        terminal.type(b"word " * 600 + b"\n")
        assert "the context window holds 256" in terminal.until(r"window holds 256.*\n")
        terminal.until("> ")
        terminal.type(b"Hello.\n")
        terminal.until(r"reused\]")
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)


def test_ctrl_c_at_the_prompt_ends_without_a_trace(terminal: Terminal) -> None:
    (engine,) = [p for p in psutil.Process(terminal.process.pid).children() if p.cmdline()[-1] == "engine"]
    # readline loses a signal that comes after it wrote the prompt and before it waits for a key.
    while psutil.Process(terminal.process.pid).status() != psutil.STATUS_SLEEPING:
        time.sleep(0.01)
    terminal.type(CTRL_C)
    assert terminal.process.wait(timeout=10) == 130
    assert "Traceback" not in terminal.shown
    assert not engine.is_running()
