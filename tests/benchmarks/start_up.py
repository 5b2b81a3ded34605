"""How long the window takes to appear and to be usable, with a history of 1,000 conversations of 50 messages.

    .venv/bin/python -m tests.benchmarks.start_up [--starts N] [--platforms offscreen xcb] [--history FILE]

Counted from before the process is made. "shown": the window's first picture has been painted. "usable": the list of
conversations is shown and the composer has taken a key that was pressed after that. Prints for each platform the
median and the range of both in milliseconds, and, once the model is loaded, the share of a core that the idle
window and the engine use, and the memory of both. Needs Xvfb for xcb.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.e2e.real_window import virtual_screen
from tests.fakes.big_store import fill

IDLE = 5.0  # seconds over which the CPU share is taken
CHILD = """
import json, sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QApplication
from q8chat.gui import app

said = {}

def say(what):
    if what not in said:
        said[what] = time.time()
        print(json.dumps([what, said[what]]), flush=True)

def look(window):
    chat = window.chat
    if chat.sidebar.list.conversations.rowCount() < 1000:
        return
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a")
        QApplication.sendEvent(QApplication.focusWidget() or chat.composer.edit, event)
    if chat.composer.edit.toPlainText():
        chat.composer.edit.repaint()
        chat.sidebar.list.viewport().repaint()
        say("usable")
        window.looking.stop()

class Window(app.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        if "shown" not in said:
            said["shown"] = 0
            QTimer.singleShot(0, self.painted)

    def painted(self):
        del said["shown"]
        say("shown")
        self.looking = QTimer(interval=1)
        self.looking.timeout.connect(lambda: look(self))
        self.looking.start()
        self.chat._context.operations.engine_state.connect(lambda s: s.status == "ready" and say("ready"))

app.MainWindow = Window
sys.exit(app.run([]))
"""


def start(env: dict[str, str]) -> tuple[subprocess.Popen[str], dict[str, float]]:
    """One start; the running process and the seconds until "shown", "usable" and "ready"."""
    begun = time.time()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    times: dict[str, float] = {}
    while len(times) < 3:
        line = process.stdout.readline()
        if not line:
            sys.exit("The application ended before it was usable.")
        what, at = json.loads(line)
        times[what] = at - begun
    return process, times


def idle(process: subprocess.Popen[str]) -> str:
    """What window and engine use while nobody does anything."""
    window = psutil.Process(process.pid)
    both = [window, *window.children()]
    time.sleep(3)  # what the start left to do
    before = [sum(p.cpu_times()[:2]) for p in both]
    time.sleep(IDLE)
    shares = [(sum(p.cpu_times()[:2]) - b) / IDLE for p, b in zip(both, before, strict=True)]
    memory = [p.memory_info().rss / 2**20 for p in both]
    names = ("window", "engine")
    return "; ".join(f"{n} {s:.1%} CPU, {m:.0f} MiB" for n, s, m in zip(names, shares, memory, strict=False))


def measure(platform: str, history: Path, starts: int) -> None:
    """Print the lines of one platform."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folders = {f"XDG_{n}_HOME": str(home / n.lower()) for n in ("DATA", "CONFIG", "STATE", "CACHE")}
        env = {**os.environ, **folders, "QT_QPA_PLATFORM": platform}
        if platform == "xcb":
            env["DISPLAY"] = stack.enter_context(virtual_screen())
        data = home / "data" / "q8chat"
        data.mkdir(parents=True)
        shutil.copy(history, data / "chat.sqlite3")
        seen: list[dict[str, float]] = []
        rest = ""
        for i in range(starts + 1):  # the first one fills the caches and is not counted
            process, times = start(env)
            if i == starts:
                rest = idle(process)
            process.terminate()
            process.wait()
            seen.append(times)
    for what in ("shown", "usable", "ready"):
        ms = [1000 * times[what] for times in seen[1:]]
        print(f"{platform:<10} {what:<7}{statistics.median(ms):>6.0f} ms ({min(ms):.0f} to {max(ms):.0f})")
    print(f"{platform:<10} idle: {rest}", flush=True)


def main() -> None:
    """Fill a history and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--starts", type=int, default=7)
    options.add_argument("--platforms", nargs="*", default=["offscreen", "xcb"])
    options.add_argument("--history", type=Path, help="reuse or make the history here")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        history = args.history or Path(folder) / "chat.sqlite3"
        if not history.exists():
            fill(history, 1000, 50)
        for platform in args.platforms:
            measure(platform, history, args.starts)


if __name__ == "__main__":
    main()
