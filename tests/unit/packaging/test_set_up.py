"""Set-ups that can't finish: no network, ended half-way, a second one beside it, files cut short."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import sys
import time
from pathlib import Path

import pytest
from environment import Environment
from logged import run_logged
from native_build import progress
from report import SetUpError, Status, duration
from system_needs import Need, needs_for, provide

from .conftest import Clone

RUN = "./packaging/run.sh"


def test_without_network_it_says_so_and_is_not_taken_for_ready(clone: Clone) -> None:
    done = clone.run(RUN)
    assert done.returncode == 1
    assert "The Python package index can't be reached" in done.stderr
    assert "run ./packaging/run.sh again: it goes on where it stopped" in done.stderr
    assert "Traceback" not in done.stderr
    assert clone.marks == []

    python = clone.root / ".venv" / "bin" / "python"
    made = python.lstat().st_mtime_ns
    again = clone.run(RUN)
    assert (again.returncode, "Environment for Python" in again.stdout) == (1, False)
    assert python.lstat().st_mtime_ns == made, "the environment that was there is gone on with"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_half_way_it_leaves_nothing_that_runs_or_counts_as_ready(clone: Clone, number: int) -> None:
    process = clone.start(RUN)
    assert process.stdout is not None
    assert "Setting up" in process.stdout.readline()
    assert "Environment for Python" in process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert clone.marks == []
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(clone.root).encode() in _read(p)]
    assert left == []
    assert "Environment for Python" in clone.run(RUN).stdout, "half an environment is made anew"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process ended
        return b""


def test_a_second_set_up_waits_for_the_first(clone: Clone) -> None:
    fd = os.open(clone.root, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    process = clone.start(RUN)
    assert process.stdout is not None
    assert "Another set-up is at work in this clone" in process.stdout.readline()
    assert not (clone.root / ".venv").exists()
    os.close(fd)
    out, _ = process.communicate(timeout=60)
    assert "Setting up Q8 Chat" in out


def test_packages_cut_short_are_forgotten_so_that_pip_installs_them_again(tmp_path: Path) -> None:
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("whole", "short", "gone", "unrecorded"):
        info = packages / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (packages / f"{name}.py").write_text("x = 1\n")
        (info / "RECORD").write_text(f'{name}.py,sha256=abc,6\n"{name}-1.0.dist-info/RECORD",,\n')
    (packages / "short.py").write_text("")
    (packages / "gone.py").unlink()
    (packages / "unrecorded-1.0.dist-info" / "RECORD").unlink()
    (packages / "~hole").mkdir()
    Environment(tmp_path, lock_fd=-1).heal()
    assert sorted(path.name for path in packages.iterdir() if path.is_dir()) == ["whole-1.0.dist-info"]


def test_this_environment_is_whole() -> None:
    assert Environment(Path(sys.prefix).parent, lock_fd=-1).damaged() == []


def test_a_failed_command_shows_its_end_and_the_place_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log" / "x.log"
    command = ["sh", "-c", "seq 100; echo no rule to make target; exit 3"]
    with pytest.raises(SetUpError) as caught:
        run_logged(command, log, "Something", lambda _: None, env=os.environ, lock_fd=1)
    text = str(caught.value)
    assert "no rule to make target" in text
    assert "    99\n" in text and "    50\n" not in text
    assert str(log) in text


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not the one that the lock file names"),
        ("NewConnectionError('<pip._vendor...>: Failed to establish a new connection')", "can't be reached"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "ran out of memory"),
    ],
)
def test_a_known_cause_becomes_one_sentence(tmp_path: Path, output: str, cause: str) -> None:
    with pytest.raises(SetUpError, match=cause):
        run_logged(
            ["sh", "-c", 'echo "$0"; exit 1', output],
            tmp_path / "x.log",
            "Something",
            lambda _: None,
            env=os.environ,
            lock_fd=1,
        )


def test_stopping_a_step_stops_what_it_started(tmp_path: Path) -> None:
    pids: list[int] = []

    def stop_at_pid(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    command = ["sh", "-c", "sleep 60 & echo $!; wait"]
    with pytest.raises(KeyboardInterrupt):
        run_logged(command, tmp_path / "x.log", "Something", stop_at_pid, env=os.environ, lock_fd=1)
    deadline = time.monotonic() + 5
    while _read(Path(f"/proc/{pids[0]}/cmdline")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _read(Path(f"/proc/{pids[0]}/cmdline")) == b""


def test_a_step_says_when_it_begins_and_how_long_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sh", "-c", "echo '[61/140] Building CXX object ggml.o'; sleep 0.4"]
    run_logged(command, tmp_path / "x.log", "llama.cpp", progress, env=os.environ, lock_fd=1)
    assert capsys.readouterr().out == "llama.cpp ...\n  done, 0 s\n", "no terminal: no line before 15 s are over"
    assert duration(130.4) == "2 min 10 s"


def test_without_apt_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    optional = Need("libnice9", "windows on X11", library="libnice-to-have.so.9", essential=False)
    provide([Need("libc6", "everything", library="libc.so.6"), optional])
    assert "libnice-to-have.so.9: missing, you may not need it (for windows on X11)" in capsys.readouterr().out
    with pytest.raises(SetUpError, match=r"Debian's names are g\+\+ libnice9"):
        provide([Need("g++", "compiling", program="c++"), optional])
    assert "c++: missing (for compiling)" in capsys.readouterr().out


def test_the_tests_need_what_the_application_needs_and_a_virtual_screen() -> None:
    run, test = ({need.package for need in needs_for(purpose)} for purpose in ("run", "test"))
    assert run < test
    assert {"xvfb", "xdotool"} <= test - run


def test_in_a_terminal_one_line_shows_how_far_it_is() -> None:
    master, slave = pty.openpty()
    with open(slave, "w") as stream:  # noqa: PTH123 (a descriptor, not a path)
        status = Status("llama.cpp", stream)
        time.sleep(0.6)
        status.update("building llama.cpp 61/140")
        status.done()
        shown = ""
        while not shown.endswith("\n"):
            shown += os.read(master, 1000).decode()
    os.close(master)
    assert shown.split("\r\033[K") == [
        "",
        "llama.cpp",
        "building llama.cpp 61/140, 0 s",
        "llama.cpp: done, 0 s\r\n",
    ]
