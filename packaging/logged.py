"""Run one long command: output to a log file, progress to the terminal, failure into one sentence."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from report import SetUpError, Status

POLL_SECONDS = 0.25
STOP_SECONDS = 5.0
TAIL_LINES = 15

# Ordered: the first that is found in the log names the failure.
CAUSES = (
    (
        r"No space left on device|Disk quota exceeded|Errno 28\b",
        "The disk is full. Free some space, also in the folder for temporary files.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "A downloaded file is not the one that the lock file names, so it was not used.",
    ),
    (
        r"NewConnectionError|NameResolutionError|name resolution|ConnectTimeout|ReadTimeout|Read timed out"
        r"|Connection (?:refused|reset|aborted)|Network is unreachable|ProxyError|RemoteDisconnected|IncompleteRead"
        r"|connection failed|Connection broken|Failed to connect",
        "The Python package index can't be reached, so nothing could be downloaded. Check the network connection.",
    ),
    (
        r"SSLError|CERTIFICATE_VERIFY_FAILED",
        "The Python package index can't be trusted. Check this machine's clock and certificates.",
    ),
    (
        r"\(from versions: none\)",
        "The Python package index can't be reached, or has nothing for this kind of machine. Check the network.",
    ),
    (
        r"(?:cc1plus|c\+\+|g\+\+).*(?:Killed|out of memory)|virtual memory exhausted",
        "The compiler ran out of memory. Close other programs.",
    ),
)


def run_logged(
    command: list[str],
    log: Path,
    title: str,
    describe: Callable[[str], str | None],
    *,
    env: Mapping[str, str],
    lock_fd: int,
) -> None:
    """Run `command` with its output in `log`; `describe` turns a line of it into what to show, or None.

    `lock_fd` is inherited, so that a command which outlives a killed set-up still keeps the next one waiting.
    Raises SetUpError when the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    status = Status(title)
    with log.open("wb") as out, log.open("rb") as written:
        # A group of its own, so that stopping it reaches the compilers that pip started.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            pass_fds=(lock_fd,),
            process_group=0,
        )
        lines = _lines(written.read)
        shown = title
        try:
            while _runs(process):
                shown = next((s for line in reversed(lines()) if (s := describe(line))), shown)
                status.update(shown)
        finally:
            _stop(process)
    if process.returncode != 0:
        status.failed()
        raise SetUpError(_failure(title, log, process.returncode))
    status.done()


def _runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _lines(read: Callable[[], bytes]) -> Callable[[], list[str]]:
    """A function that gives the whole lines written since its last call."""

    def chunks() -> Iterator[list[str]]:
        rest = b""
        while True:
            *whole, rest = (rest + read()).split(b"\n")
            yield [line.decode(errors="replace").strip() for line in whole]

    stream = chunks()
    return lambda: next(stream)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """If it still runs, end it and everything it started; pip cleans up its temporary folders on SIGINT."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):  # nothing of the group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failure(title: str, log: Path, returncode: int) -> str:
    text = log.read_text(errors="replace")
    for pattern, sentence in CAUSES:
        if re.search(pattern, text):
            return f"{sentence}\nThe whole log: {log}"
    tail = "\n".join(f"    {line}" for line in deque(text.splitlines(), TAIL_LINES))
    return f"This failed: {title} (exit code {returncode}). The end of its log:\n{tail}\nThe whole log: {log}"
