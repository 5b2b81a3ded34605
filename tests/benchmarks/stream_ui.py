"""How long the window's event loop stops while 200 tokens/s stream into a 4,000-token message.

    .venv/bin/python tests/benchmarks/stream_ui.py [--seconds N] [CASE ...]

A timer of 1 ms measures the gaps between two turns of the event loop. QT_QPA_PLATFORM decides where it runs
(offscreen if unset; xcb for a real or virtual screen). Prints one line per case: median, p99 and longest gap in
milliseconds by the clock; p99 and longest by the CPU time of the thread, which other busy processes do not spoil;
and the share of a core that was used.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from q8chat.chat.types import Message, PathMessage, Status
from q8chat.gui import theme
from q8chat.gui.app import shorten_collections
from q8chat.gui.widgets.transcript import Transcript

CHARS = 16_000  # 4,000 tokens
TOKENS_PER_SECOND = 200
TOKEN = 4  # characters
_MIXED = """## Section {i}

The **quick** brown fox `jumps` over the [lazy](https://example.org) dog, again and again. It does *not* stop
before the end of the second line, which is here.

1. One item with some `code` in it
2. Another item, a little longer than the first one, so that it wraps
   - and a nested one

```python
def function_{i}(value: int) -> str:
    # a comment
    return f"{{value}} and {i}"
```

| Name | Meaning | Value |
|------|:-------:|------:|
| a{i} | the **first** | 1 |
| b{i} | the second | 2 |

> A quotation that says something wise.

"""


def _repeat(line: str) -> str:
    return "".join(line.format(i=i) for i in range(1, CHARS // len(line) + 2))[:CHARS]


CASES = {
    "mixed": _repeat(_MIXED),
    "list": _repeat("{i}. an item with **bold** text and `code` that goes on for a while and then ends\n"),
    "table": "| a | b | c |\n|---|---|---|\n" + _repeat("| cell {i} | another **cell** | a third one |\n"),
    "paragraph": _repeat("some words and **bold** ones, and so on without an end; "),
    "code": "```python\n" + _repeat("    value_{i} = compute({i}, 'text')  # comment\n"),
    "quotation": _repeat("> words in a quotation, line after line, **without** an end\n"),
}


def message(id_: int, role: str, content: str, status: Status) -> PathMessage:
    """An entry of the shown path."""
    return PathMessage(Message(id_, 1, id_ - 1 or None, role, content, status, 0.0), 1, 1, None, None)


def measure(app: QApplication, text: str, seconds: float) -> tuple[list[float], list[float], float]:
    """Gaps in milliseconds, by the clock and by CPU time, and the CPU share while the end of `text` streams in."""
    window = QMainWindow()
    view = Transcript()
    window.setCentralWidget(view)
    window.resize(1000, 800)
    window.show()
    done = max(0, len(text) - int(seconds * TOKENS_PER_SECOND * TOKEN))
    view.show_path((message(1, "user", "Go on", Status.COMPLETE), message(2, "assistant", "", Status.STREAMING)), 1)
    view.append_text(2, text[:done])
    settle = time.perf_counter() + 1
    while time.perf_counter() < settle:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
    shorten_collections()  # as the application does
    gaps: list[float] = []
    busy: list[float] = []
    state = {"last": time.perf_counter(), "cpu": time.thread_time(), "sent": done}
    start, cpu = time.perf_counter(), time.process_time()
    loop = QEventLoop()

    def turn() -> None:
        now, thread = time.perf_counter(), time.thread_time()
        gaps.append((now - state["last"]) * 1000)
        busy.append((thread - state["cpu"]) * 1000)
        state["last"], state["cpu"] = now, thread
        due = done + int((now - start) * TOKENS_PER_SECOND) * TOKEN
        while state["sent"] < min(due, len(text)):
            view.append_text(2, text[int(state["sent"]) : int(state["sent"]) + TOKEN])
            state["sent"] += TOKEN
        if now - start > seconds:
            if state["sent"] < 10**9:
                last = message(2, "assistant", text, Status.COMPLETE).message
                view.finish(last)
                state["sent"] = 10**9
            elif now - start > seconds + 0.5:
                loop.quit()

    timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=1)
    timer.timeout.connect(turn)
    timer.start()
    loop.exec()
    timer.stop()
    used = (time.process_time() - cpu) / (time.perf_counter() - start)
    window.close()
    window.deleteLater()
    return gaps[1:], busy[1:], used


def main() -> None:
    """Run the cases and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=CHARS / TOKENS_PER_SECOND / TOKEN)
    options.add_argument("cases", nargs="*", default=list(CASES))
    args = options.parse_args()
    app = QApplication([])
    theme.start(app)
    print(f"{app.platformName()}, {args.seconds:.0f} s each; gaps in ms")
    print(f"{'case':<12}{'median':>8}{'p99':>8}{'longest':>9}{'CPU p99':>9}{'longest':>9}{'CPU':>7}")
    for name in args.cases:
        gaps, busy, used = measure(app, CASES[name], args.seconds)
        p99, busy_p99 = (statistics.quantiles(x, n=100)[98] for x in (gaps, busy))
        wall = f"{statistics.median(gaps):>8.1f}{p99:>8.1f}{max(gaps):>9.1f}"
        print(f"{name:<12}{wall}{busy_p99:>9.1f}{max(busy):>9.1f}{used:>7.0%}", flush=True)


if __name__ == "__main__":
    main()
