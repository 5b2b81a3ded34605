"""Make `.venv` ready: system packages, environment, libraries, llama.cpp, starter model, the application itself.

Run by run.sh and test.sh when their stamp says that something is missing; only the standard library is here yet.
Every step looks at what is there first, so an interrupted set-up goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import native_build
import starter
from environment import Environment, entries
from report import SetUpError, Status
from system_needs import needs_for, provide

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NEEDED_BYTES = 1_500_000_000


def set_up(environment: Environment, purpose: str, stamp: str) -> None:
    """Bring the environment to what `purpose` (run, test) needs. Raises SetUpError when that can't be done."""
    marks = {name: environment.folder / f"q8chat-ready-{name}" for name in ("run", "test")}
    usable = environment.is_usable()
    if usable and marks[purpose].is_file() and marks[purpose].read_text() == stamp:
        return
    print(f"Setting up Q8 Chat in {environment.folder}", flush=True)
    for mark in marks.values():
        mark.unlink(missing_ok=True)
    provide(needs_for(purpose))
    if not usable:
        _check_space(environment.root)
        environment.make()
    environment.heal()
    environment.install("pip and setuptools", "pip", "-r", str(HERE / "bootstrap.lock"))
    lock = HERE / ("requirements-test.lock" if purpose == "test" else "requirements.lock")
    facts = starter.read_facts(ROOT / "resources" / "starter.json")
    with tempfile.TemporaryDirectory(prefix="q8chat-") as folder:
        wheels, native = Path(folder, "wheels.lock"), Path(folder, "native.lock")
        wheels.write_text("".join(text for name, text in entries(lock) if name != native_build.NAME))
        native.write_text("".join(text for name, text in entries(lock) if name == native_build.NAME))
        environment.install(f"Libraries of {lock.name}", "libraries", "-r", str(wheels))
        if not starter.is_whole(facts, environment.models):
            starter.fetch(facts, environment)
        compiled = native_build.install(environment, native, HERE / "build-constraints.lock")
        _install_application(environment)
        _make_fit(environment, environment.models / facts.file, native, compiled)
    for name in {"run", purpose}:
        marks[name].write_text(stamp)


def _install_application(environment: Environment) -> None:
    """Editable, by the setuptools that is locked and installed: needs no network."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(environment.root)]
    command = [str(environment.python), "-m", "pip", "install", *options]
    environment.run("Q8 Chat itself, editable", "q8chat", command, lambda _: None)


def _make_fit(environment: Environment, model: Path, native: Path, compiled: bool) -> None:
    """Compile llama.cpp again if pip's cache held one for another CPU (a home folder on another machine)."""
    accepted = environment.folder / "q8chat-llama-misfit"
    reason = native_build.misfit(environment.python, model)
    known = accepted.read_text() if accepted.is_file() else ""
    if reason and not compiled and reason != known:
        print(
            f"The llama.cpp that pip had kept does not fit this machine: {reason}. Compiling it again.", flush=True
        )
        native_build.install(environment, native, HERE / "build-constraints.lock", again=True)
        reason = native_build.misfit(environment.python, model)
    if reason and reason != known:
        # The compiler here can do no better: not to be tried again at every set-up.
        print(f"Note: llama.cpp was compiled on this machine, but {reason}.", flush=True)
        accepted.write_text(reason)


def _check_space(root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        needed = f"{NEEDED_BYTES / 1e9:.1f} GB"
        raise SetUpError(f"The set-up needs {needed} in {root}; {free / 1e9:.1f} GB are free. Free some space.")


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[int]:
    """Hold the clone's set-up lock, which is the folder itself; gives its file descriptor."""
    fd = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            status = Status("Another set-up is at work in this clone; waiting for it")
            fcntl.flock(fd, fcntl.LOCK_EX)
            status.done()
        yield fd
    finally:
        os.close(fd)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Exit code 0 when ready; with a command after `--`, become that command then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="purpose", choices=("run", "test"), required=True)
    parser.add_argument("--stamp", required=True)
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    again = f"./packaging/{args.purpose}.sh"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        with only_one(ROOT) as fd:
            set_up(Environment(ROOT, fd), args.purpose, args.stamp)
    except SetUpError as e:
        print(f"\n{e}\nThen run {again} again: it goes on where it stopped.", file=sys.stderr)
        return 1
    except OSError as e:
        full = e.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "The disk is full. Free some space" if full else f"The set-up can't use a file: {e}. Correct that"
        print(f"\n{what}, then run {again} again: it goes on where it stopped.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. {again} goes on where it stopped.", file=sys.stderr)
        return 130
    if args.command:
        os.execv(args.command[0], args.command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
