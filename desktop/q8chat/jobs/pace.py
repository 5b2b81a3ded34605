"""How fast work goes and when it will be done."""

from __future__ import annotations

import math

from q8chat.core.progress import Progress
from q8chat.jobs.types import JobProgress

MEMORY_SECONDS = 5.0  # what happened longer ago hardly counts


class Pace:
    """Smooths the speed: an exponential average over the last seconds, right from the first second on."""

    def __init__(self) -> None:
        self._last: tuple[float, Progress] | None = None
        self._speed = self._weight = 0.0

    def update(self, now: float, progress: Progress) -> JobProgress:
        """Take what was reported at `now` (seconds of any steady clock); returns it with speed and time left.

        What is there at the first report was not done now: it does not count. Another unit, total or a step back
        (another phase of the work) starts anew.
        """
        if self._last is None or not _continues(self._last[1], progress):
            self._last = (now, progress)
            self._speed = self._weight = 0.0
        elapsed = now - self._last[0]
        if elapsed >= 0.05:  # less says nothing
            rate = (progress.done - self._last[1].done) / elapsed
            share = 1 - math.exp(-elapsed / MEMORY_SECONDS)
            self._speed += share * (rate - self._speed)
            self._weight += share * (1 - self._weight)
            self._last = (now, progress)
        speed = self._speed / self._weight if self._weight else 0.0
        left = progress.total - progress.done
        seconds = left / speed if progress.total and left >= 0 and speed * 86_400 * 10 > left else None
        return JobProgress(progress.done, progress.total, progress.unit, progress.note, speed, seconds)


def _continues(before: Progress, now: Progress) -> bool:
    return (before.unit, before.total) == (now.unit, now.total) and now.done >= before.done
