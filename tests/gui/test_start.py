"""The start path stays light, and the process ends cleanly on signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("numpy", "llama_cpp", "huggingface_hub", "markdown_it", "pygments", "archspec", "jinja2")
START = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from q8chat.gui import app

def look():
    print(*(name for name in sys.argv[1].split(",") if name in sys.modules))
    QApplication.topLevelWidgets()[0].window().close()
    QApplication.quit()

shown = app.MainWindow.showEvent
def show_event(self, event):
    shown(self, event)
    QTimer.singleShot(0, look)

app.MainWindow.showEvent = show_event
sys.exit(app.run([]))
"""


def test_nothing_heavy_is_imported_before_the_window_is_seen() -> None:
    result = subprocess.run(
        [sys.executable, "-c", START, ",".join(HEAVY)], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.split() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_window_properly(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-m", "q8chat"], stderr=subprocess.PIPE, text=True)
    database = Path(os.environ["XDG_DATA_HOME"], "q8chat", "chat.sqlite3")
    deadline = time.monotonic() + 30
    while not database.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    try:
        _, complaints = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in complaints
    assert Path(os.environ["XDG_CONFIG_HOME"], "q8chat", "settings.json").exists()
