"""The environment in `.venv`: made, healed after an interruption, and filled from hash-pinned lock files."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from logged import run_logged

SUPPORTED = ((3, 11), (3, 12), (3, 13))
# Settings of the user's pip and Python that would put things elsewhere, or something else in.
_UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT")


@dataclass(frozen=True)
class Environment:
    """The clone's environment. `lock_fd`: the lock of the running set-up, which its pip commands keep."""

    root: Path
    lock_fd: int

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def models(self) -> Path:
        """Where the application looks for models that came with it."""
        return self.folder / "share" / "q8chat" / "models"

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def run(self, title: str, name: str, command: list[str], describe: Callable[[str], str | None]) -> None:
        """Run a command under `title`, logged under `name`. Raises SetUpError when it fails."""
        run_logged(command, self.log(name), title, describe, env=pip_env(), lock_fd=self.lock_fd)

    def install(self, title: str, name: str, *options: str) -> None:
        """`pip install` from what is pinned: no resolver, nothing compiled, every file checked by its hash."""
        command = [str(self.python), "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        self.run(title, name, [*command, *options], _downloads)

    def is_usable(self) -> bool:
        """Does it exist here, with a supported Python (the wanted one, if the user named one) and a working pip?"""
        config = self.folder / "pyvenv.cfg"
        if not config.is_file() or not self.python.exists():
            return False
        # A clone that was moved or copied has scripts that start the old place's Python.
        made_for = re.search(r"^command = .* (/.*)$", config.read_text(), re.MULTILINE)
        if made_for is None or Path(made_for[1]).resolve() != self.folder.resolve():
            return False
        ask = "import pip, sys; print(*sys.version_info[:2], sys.base_prefix)"
        answer = subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            return False
        major, minor, base = answer.stdout.strip().split(" ", 2)
        version = (int(major), int(minor))
        if os.environ.get("Q8CHAT_PYTHON"):
            return version == sys.version_info[:2] and base == sys.base_prefix
        return version in SUPPORTED

    def make(self) -> None:
        """A new, empty environment for the Python that runs this; an unusable old one is cleared away."""
        # The interpreter's own file: a link such as /usr/bin/python3 may be another version tomorrow.
        python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        log = Path(tempfile.gettempdir(), f"q8chat-venv-{os.getpid()}.log")  # .venv itself is cleared
        command = [python, "-m", "venv", "--clear", str(self.folder)]
        title = f"Environment for Python {sys.version.split()[0]} in {self.folder}"
        run_logged(command, log, title, lambda _: None, env=pip_env(), lock_fd=self.lock_fd)
        log.unlink()

    def damaged(self) -> list[Path]:
        """The metadata folders of packages of which a file is missing or cut short."""
        return [
            info for info in self.folder.glob("lib/python*/site-packages/*.dist-info") if not _is_complete(info)
        ]

    def heal(self) -> None:
        """Forget what an interruption left half installed, so that pip installs it again."""
        for leftover in self.folder.glob("lib/python*/site-packages/~*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for info in self.damaged():
            shutil.rmtree(info)


def _is_complete(info: Path) -> bool:
    record = info / "RECORD"
    if not record.is_file():  # pip writes it last, but takes a package without it for installed
        return False
    with record.open(newline="") as f:
        files = [(info.parent / name, int(size)) for name, _, size in csv.reader(f) if size]
    # pip compiles anew even what the wheel brings compiled
    return all(path.suffix == ".pyc" or _size(path) == size for path, size in files)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def entries(lock: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of each requirement in a lock file; the text goes on with its hashes in indented lines."""
    for match in re.finditer(r"^([\w.-]+)==.*\n(?:[ \t]+.*\n)*", lock.read_text(), re.MULTILINE):
        yield match[1], match[0]


def pip_env() -> dict[str, str]:
    """The user's environment with what would lead pip astray taken out."""
    kept = {k: v for k, v in os.environ.items() if k not in _UNWANTED}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off"}


def _downloads(line: str) -> str | None:
    if match := re.match(r"(?:Downloading|Using cached) (\S+?)-\d\S* \((.*)\)", line):
        return f"downloading {match[1]} ({match[2]})"
    return "installing" if line.startswith("Installing collected packages") else None
