"""Functions that jobs and worker calls of the tests run, in real child processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import typing
from pathlib import Path

import msgspec

from q8chat.core.errors import DownloadError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.jobs.kinds import Kind

HERE = "tests.unit.jobs.kinds_for_tests"
KINDS = {
    "count": Kind(f"{HERE}:count", "network", f"{HERE}:discard"),
    "compute": Kind(f"{HERE}:count", "compute", f"{HERE}:discard"),
    "plain": Kind(f"{HERE}:count", "compute"),
    "fail": Kind(f"{HERE}:fail", "network", f"{HERE}:fail"),
    "defect": Kind(f"{HERE}:defect", "network"),
    "once": Kind(f"{HERE}:fail_once", "network"),
}


class Point(msgspec.Struct, frozen=True):
    """Something typed to send to and fro."""

    x: int
    name: str = ""


METHODS = {
    "double": f"{HERE}:double",
    "hang": f"{HERE}:hang",
    "watch": f"{HERE}:watch",
    "fail": f"{HERE}:fail",
    "defect": f"{HERE}:defect",
    "die": f"{HERE}:die",
    "pid": f"{HERE}:pid",
    "big": f"{HERE}:big",
    "lie": f"{HERE}:lie",
    "no_file": f"{HERE}:no_file",
    "chatter": f"{HERE}:chatter",
}


def count(folder: Path, until: int, pause: float, progress: Report, cancel: Cancel) -> dict[str, int]:
    """Count to `until`, a line a step in `folder/steps`: goes on where it was killed. The result says by whom."""
    steps = folder / "steps"
    done = len(steps.read_text().split()) if steps.exists() else 0
    start = done
    (folder / "pid").write_text(str(os.getpid()))
    while done < until:
        cancel.wait(pause)
        with steps.open("a") as f:
            f.write(f"{os.getpid()}\n")
        done += 1
        progress(Progress(done, until, "steps", "Counting"))
    return {"start": start, "done": done}


def discard(folder: Path) -> None:
    """Remove what `count` left."""
    (folder / "steps").unlink(missing_ok=True)


def fail(folder: Path | None = None) -> None:
    """Fail as a download does."""
    raise DownloadError("The server hung up.", "Try again later.")


def fail_once(folder: Path) -> dict[str, bool]:
    """Fail the first time only."""
    if (mark := folder / "tried").exists():
        return {"ok": True}
    mark.touch()
    raise DownloadError("The server hung up.", "Try again later.")


def defect(folder: Path | None = None) -> None:
    """A mistake of the program's own."""
    raise ZeroDivisionError("a defect of the test")


def double(point: Point, folder: Path) -> Point:
    """Typed parameters, typed result."""
    assert isinstance(folder, Path)
    return Point(point.x * 2, point.name * 2)


def hang() -> None:
    """Never come back."""
    threading.Event().wait()


def watch(mark: Path, cancel: Cancel) -> int:
    """Wait for the cancel flag and leave a mark."""
    while not cancel.is_set():
        time.sleep(0.01)
    mark.touch()
    return 1


def die(number: int = signal.SIGKILL) -> None:
    """End the process as a native crash does."""
    print("GGML_ASSERT(of_the_test) failed", file=sys.stderr, flush=True)
    os.kill(os.getpid(), number)
    threading.Event().wait()


def pid() -> int:
    """Of the worker."""
    return os.getpid()


def lie() -> str:
    """Returns something else than it says."""
    return typing.cast(str, 7)


def big(n: int) -> str:
    """More than a pipe holds."""
    return "é" * n


def no_file(path: Path) -> str:
    """Fails as the system says."""
    return path.read_text()


def chatter(n: int, progress: Report) -> int:
    """Report far more often than anybody can read, and print what nobody asked for."""
    for i in range(n):
        progress(Progress(i + 1, n, "words"))
        print("noise", i)
    return n
