"""What all tests share: no display is needed, nothing of the user's is read or written, the starter model."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# A shell that starts us in the background has Ctrl+C ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _move_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    for name in ("DATA", "CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    return folder


@pytest.fixture(scope="session", autouse=True)
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """XDG folders for what lives longer than one test."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield _move_home(monkeypatch, tmp_path_factory.mktemp("session"))


@pytest.fixture(autouse=True)
def home(session_home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh set of XDG folders for every test."""
    return _move_home(monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The model that comes with the application."""
    from q8chat.core import paths

    found = sorted(paths.bundled_models_dir().rglob("*.gguf"))
    assert found, "the set-up did not fetch the starter model"
    return found[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
