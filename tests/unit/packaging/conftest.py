"""A copy of what the set-up needs of a clone, in which it can be broken, killed and run again."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


@dataclass
class Clone:
    """`tools`: a folder that comes first on PATH."""

    root: Path
    tools: Path
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.env, **env},
        )

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command, **env)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def tool(self, name: str, text: str) -> Path:
        return executable(self.tools / name, text)

    @property
    def marks(self) -> list[str]:
        return [path.name for path in (self.root / ".venv").glob("q8chat-ready-*")]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """The scripts and what they read, with a package index that refuses every connection."""
    root = tmp_path / "clone"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "packaging", root / "packaging", ignore=ignore)
    (root / "resources").mkdir()
    shutil.copy(ROOT / "resources" / "starter.json", root / "resources")
    shutil.copy(ROOT / "pyproject.toml", root)
    tools = tmp_path / "tools"
    executable(tools / "python3", f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} "$@"\n')
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "Q8CHAT_"))}
    no_network = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "TMPDIR": str(tmp_path),
        "PIP_NO_CACHE_DIR": "1",
    }
    return Clone(root, tools, {**kept, **no_network})


@pytest.fixture
def finished(clone: Clone) -> Clone:
    """A clone whose set-up is done: an environment with an app that prints its arguments, and the stamp."""
    venv = clone.root / ".venv"
    executable(venv / "bin" / "q8chat", '#!/bin/sh\nprintf "started:%s\\n" "$*"\n')
    (venv / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    script = 'source packaging/lib.sh; q8_is_ready run; printf "%s" "$Q8_STAMP"'
    stamp = clone.run("bash", "-c", script).stdout
    assert len(stamp) > 64
    (venv / "q8chat-ready-run").write_text(stamp)
    return clone


Poison = Callable[[], bool]


@pytest.fixture
def poison(clone: Clone) -> Poison:
    """Every Python on PATH leaves a trace and fails; tells whether one was called."""
    trace = clone.root.parent / "python-was-called"
    for name in ("python3", "python3.11", "python3.12", "python3.13", "pip"):
        clone.tool(name, f"#!/bin/sh\ntouch {trace}\nexit 9\n")
    return trace.exists
