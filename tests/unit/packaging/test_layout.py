from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("folder", ["packaging", "resources"])
def test_it_is_not_a_python_package(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not (ROOT / folder / "__init__.py").exists()


def test_our_folder_does_not_hide_the_package_of_the_same_name() -> None:
    code = "import packaging, packaging.version; print(packaging.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "site-packages" in done.stdout


def test_scripts_can_be_executed() -> None:
    for name in ("packaging/run.sh", "packaging/test.sh", "packaging/lock.sh", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111, name


def test_this_pyside_survives_many_calls() -> None:
    """PySide6 6.12.0 gives away a reference to None at each void call: Python 3.11 dies after some 5,000."""
    code = """
from PySide6.QtCore import QObject
thing = QObject()
for _ in range(200_000):
    thing.setObjectName("x")
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-500:]
