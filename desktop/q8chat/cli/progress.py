"""How far long work is: a bar on a terminal, a line now and then elsewhere; Ctrl+C stops the work."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from q8chat.core.progress import Cancel, CancelledError, Progress, Report
from q8chat.core.units import size

LINE_EVERY = 10.0  # seconds between two lines where there is no terminal


@contextmanager
def shown(title: str, *, quiet: bool = False, on_stop: str = "") -> Iterator[tuple[Report, Cancel]]:
    """Work inside gets what to report to and what to obey.

    The figures go to stderr, so that stdout has results only; `quiet` leaves them out. Ctrl+C sets `cancel`; when
    the work has stopped, `on_stop` is said (how to go on) and KeyboardInterrupt raised, for the exit code 130.
    """
    cancel = Cancel()

    def stop(_number: int, _frame: FrameType | None) -> None:
        cancel.set()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        if quiet:
            yield (lambda _progress: None), cancel
        elif sys.stderr.isatty():
            with _bar(title) as report:
                yield report, cancel
        else:
            yield _lines(title), cancel
    except CancelledError:
        if on_stop:
            print(on_stop, file=sys.stderr)
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None, figures="")
        started = False

        def report(progress: Progress) -> None:
            nonlocal started
            if not started:  # what is there already was not done now: it does not count as speed
                started = True
                bars.reset(task, completed=progress.done, total=progress.total or None)
            speed = bars.tasks[task].speed if progress.unit == "bytes" else None
            bars.update(
                task,
                description=progress.note or title,
                completed=progress.done,
                total=progress.total or None,
                figures=figures(progress) + (f", {size(speed)}/s" if speed else ""),
            )

        yield report


def _lines(title: str) -> Callable[[Progress], None]:
    told_at, told_note = -LINE_EVERY, ""

    def report(progress: Progress) -> None:
        nonlocal told_at, told_note
        now = time.monotonic()
        if now - told_at < LINE_EVERY and progress.note == told_note:
            return
        told_at, told_note = now, progress.note
        print(f"{progress.note or title}: {figures(progress)}", file=sys.stderr, flush=True)

    return report


def figures(progress: Progress) -> str:
    """ "12.5 MB of 98.1 MB", "3 of 8 chunks"."""
    if progress.unit == "bytes":
        return f"{size(progress.done)} of {size(progress.total)}" if progress.total else size(progress.done)
    return f"{progress.done:,} of {progress.total:,} {progress.unit}" if progress.total else f"{progress.done:,}"
