"""Rules of the house that no other tool checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "desktop" / "q8chat"
HEAVY = ("PySide6", "numpy", "huggingface_hub", "llama_cpp", "torch", "transformers")


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages are loaded after `code`, in a process of its own."""
    script = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["q8chat.__main__", "q8chat.cli", "q8chat.terminal_chat", "q8chat.chat.service", "q8chat.runtime.client"],
)
def test_nothing_heavy_is_loaded_on_the_way_to_a_first_prompt(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_the_window_loads_qt_only() -> None:
    assert loaded_by("import q8chat.gui.app") == {"PySide6"}


def test_the_core_imports_nothing_of_ours_but_itself() -> None:
    for path in (PACKAGE / "core").glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from q8chat", "import q8chat")):
                assert line.startswith("from q8chat.core"), f"{path.name}: {line}"


def test_no_blind_except_and_no_unfinished_work() -> None:
    words = ("except Exception", "except BaseException:\n        pass", "TO" + "DO", "FIX" + "ME", "NotImplemented")
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        assert not [w for w in words if w in text], path
