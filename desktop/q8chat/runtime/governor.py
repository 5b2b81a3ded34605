"""How many threads to compute with, while other programs want the cores too.

llama.cpp's threads meet at a barrier after every operation. When another program takes the core of one of them, all
wait for a whole time slice of the scheduler; two threads on two cores of which one is busy are several times slower
than one thread. So the number follows the cores that are really free, checked a few times a second between tokens.
"""

from __future__ import annotations

import time

from q8chat.hardware.load import OtherLoad

CHECK_EVERY = 0.1  # seconds; the kernel counts CPU time in steps of 10 ms
TAKEN = 0.4  # of a core used by others: from here on a thread on it would hold up the rest
RECENT = 1.0  # seconds
FREE_CHECKS = 3  # consecutive checks a core must be free before it is used again


class ThreadGovernor:
    """Watches the machine; `threads()` is cheap enough to be asked before every token."""

    def __init__(self, most: int, adapt: bool = True) -> None:
        """`most`: threads on an idle machine. Without `adapt` the number stays."""
        self.most = most
        self._now = most
        self._adapt = adapt and most > 1
        self._load = OtherLoad()
        self._checked = time.monotonic()
        self._others = 0.0  # cores, smoothed
        self._free = 0

    def begin(self) -> None:
        """A new answer begins: what others did while nobody watched is no sign of what they do now."""
        now = time.monotonic()
        if now - self._checked > RECENT:
            self._load.sample()
            self._checked = now

    def threads(self) -> int:
        """Threads to use for the next evaluation, 1..most."""
        now = time.monotonic()
        if self._adapt and now - self._checked >= CHECK_EVERY:
            self._checked = now
            self._follow(self._load.sample())
        return self._now

    def _follow(self, others: float) -> None:
        """`others`: cores' worth of time other programs used since the last check.

        The mean with the time before lets a core that is taken count at once, but not a short burst, such as a
        window that repaints.
        """
        self._others = (self._others + others) / 2
        fit = max(1, self.most - int(self._others + 1 - TAKEN))
        if fit <= self._now:
            self._now, self._free = fit, 0
            return
        self._free += 1
        if self._free >= FREE_CHECKS:
            self._now, self._free = fit, 0
