"""The real application on a virtual screen, driven with real key presses and mouse clicks, seen from outside."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from PySide6.QtGui import QImage

SCREEN = "1180x760"
CURSOR_BYTES = 400  # of a picture: a text cursor that blinks is 2 x 20 pixels
PATIENCE = 60.0  # seconds; the machine may be busy with other things

# A grab of the whole screen, by a process of its own, so that the application is not asked to cooperate.
GRAB = """
import sys
from PySide6.QtGui import QGuiApplication
app = QGuiApplication(sys.argv)
assert app.primaryScreen().grabWindow(0).save(sys.argv[1])
"""


@contextmanager
def virtual_screen() -> Iterator[str]:
    """An Xvfb of our own; yields its DISPLAY."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{SCREEN}x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as server:
        os.close(writer)
        with os.fdopen(reader) as number:
            display = f":{number.readline().strip()}"
        try:
            yield display
        finally:
            server.kill()


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Return when `true()` is; fail with `what` when that takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.05)


def _changed(one: QImage, other: QImage) -> int:
    """How many bytes of the two pictures differ."""
    if one.size() != other.size():
        return other.sizeInBytes()
    width = one.bytesPerLine()
    a, b = bytes(one.constBits()), bytes(other.constBits())
    rows = [(a[n : n + width], b[n : n + width]) for n in range(0, len(a), width)]
    return sum(x != y for row, same in rows if row != same for x, y in zip(row, same, strict=True))


class RealWindow:
    """One run of the application. `home` holds its XDG folders and outlives it."""

    def __init__(self, display: str, home: Path, *arguments: str, env: Mapping[str, str] = os.environ) -> None:
        self.display, self.home = display, home
        folders = {f"XDG_{n}_HOME": str(home / n.lower()) for n in ("DATA", "CONFIG", "STATE", "CACHE")}
        self._env = {**env, **folders, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self._log = (home / "app.log").open("ab")
        self.process = subprocess.Popen(
            [Path(sys.prefix) / "bin" / "q8chat", *arguments], env=self._env, stdout=self._log, stderr=self._log
        )
        wait_until(self._find, "the window")
        width, height = SCREEN.split("x")
        self._xdotool("windowmove", self.id, "0", "0")
        self._xdotool("windowsize", self.id, width, height)
        self.focus()

    def focus(self) -> None:
        """Bring the window to the front."""
        self._xdotool("windowraise", self.id, "windowfocus", "--sync", self.id)

    def __enter__(self) -> RealWindow:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _xdotool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env=self._env, check=True, capture_output=True, text=True
        ).stdout

    def _find(self) -> bool:
        assert self.process.poll() is None, self.log
        found = subprocess.run(
            ["xdotool", "search", "--all", "--onlyvisible", "--pid", str(self.process.pid), "--name", "Q8 Chat"],
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        self.id = found[0] if found else ""
        return bool(found)

    @property
    def log(self) -> str:
        """What the application wrote to its terminal."""
        return (self.home / "app.log").read_text()

    def keys(self, *names: str) -> None:
        """Press keys one after the other: "ctrl+n", "Return"."""
        self._xdotool("key", "--delay", "30", *names)
        time.sleep(0.15)

    def type(self, text: str) -> None:
        """Type text."""
        self._xdotool("type", "--delay", "8", text)

    def click(self, x: int, y: int) -> None:
        """Click there."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")
        time.sleep(0.15)

    def picture(self, path: Path) -> Path:
        """Save what is on the screen as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        time.sleep(0.4)  # hover effects and the last repaint
        subprocess.run([sys.executable, "-c", GRAB, path], env=self._env, check=True)
        return path

    def settle(self, quiet: float = 4.0, patience: float = 90.0) -> None:
        """Wait until nothing but a text cursor has changed for `quiet` seconds: what was asked for has come."""
        before, since, deadline = QImage(), time.monotonic(), time.monotonic() + patience
        while time.monotonic() - since < quiet:
            assert time.monotonic() < deadline, "the screen does not come to rest"
            now = QImage(str(self.picture(self.home / "settling.png"))).convertToFormat(QImage.Format.Format_RGB32)
            if _changed(before, now) > CURSOR_BYTES:
                before, since = now, time.monotonic()

    def messages(self) -> list[tuple[str, str, str]]:
        """Role, text and status of every stored message, in the order they were made."""
        database = self.home / "data" / "q8chat" / "chat.sqlite3"
        if not database.exists():
            return []
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            try:
                return db.execute("SELECT role, content, status FROM messages ORDER BY id").fetchall()
            except sqlite3.OperationalError:
                return []  # being made

    def answers(self) -> list[str]:
        """Texts of all finished answers."""
        return [c for role, c, status in self.messages() if role == "assistant" and status != "streaming"]

    def wait_for_text(self, answer: int = 1, characters: int = 1) -> str:
        """Wait until that answer, finished or not, has that many characters; its stored text.

        With random sampling the starter model may go on for minutes; only greedy answers are waited for to the end.
        """

        def texts() -> list[str]:
            return [content for role, content, _ in self.messages() if role == "assistant"]

        wait_until(
            lambda: len(texts()) >= answer and len(texts()[answer - 1]) >= characters,
            f"text of answer {answer}; the log says: {self.log}",
        )
        return texts()[answer - 1]

    def wait_for_answers(self, n: int) -> str:
        """Wait until n answers are finished; the last one."""
        wait_until(lambda: len(self.answers()) >= n, f"answer {n}; the log says: {self.log}")
        return self.answers()[n - 1]
