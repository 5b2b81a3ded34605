"""How busy everybody else keeps the CPUs: what the engine adapts its thread count to."""

from __future__ import annotations

import os
import sys
import time

import psutil

_SHORTEST = 0.05  # seconds; the kernel counts in steps of 10 ms, shorter spans would be mostly rounding
_IDLE, _IOWAIT, _GUEST = 3, 4, 8  # columns of /proc/stat; guest time is also in the user column


class OtherLoad:
    """Counts the CPU time that others have used since the last call.

    Others: all processes but this one (its children too), and other virtual machines ("steal"). All threads of
    this process are ours. Use it from one thread.
    """

    def __init__(self, cpus: frozenset[int] | None = None) -> None:
        """Watch these CPUs (Linux only), by default those that this process may run on."""
        self._stat = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC) if _readable("/proc/stat") else None
        if cpus is None and self._stat is not None:
            cpus = frozenset(os.sched_getaffinity(0))
        self._names = frozenset(b"cpu%d" % cpu for cpu in cpus or ())
        self._tick = 1 / os.sysconf("SC_CLK_TCK") if self._stat is not None else 1.0
        self._last = self._now()
        self._load = 0.0

    def close(self) -> None:
        """Release the open file. Idempotent."""
        if self._stat is not None:
            os.close(self._stat)
            self._stat = None

    def sample(self) -> float:
        """Cores' worth of CPU time used by others since the last call: 1.5 is one and a half cores all the time.

        A call within 50 ms of the last one repeats its answer. Takes some 20 us.
        """
        now = self._now()
        elapsed, busy, own = (new - old for new, old in zip(now, self._last, strict=True))
        if elapsed >= _SHORTEST:
            self._load = max(0.0, (busy - own) / elapsed)
            self._last = now
        return self._load

    def _now(self) -> tuple[float, float, float]:
        """Seconds: the clock, CPU time used by all, CPU time used by this process."""
        return time.monotonic(), self._busy(), time.process_time()

    def _busy(self) -> float:
        if self._stat is None:
            times = psutil.cpu_times()
            return float(sum(times) - times.idle)
        ticks = 0
        for line in os.pread(self._stat, 1 << 20, 0).splitlines():
            name, *fields = line.split()
            if name in self._names:
                used = fields[:_IDLE] + fields[_IOWAIT + 1 : _GUEST]
                ticks += sum(map(int, used))
            elif not name.startswith(b"cpu"):
                break
        return ticks * self._tick


def _readable(path: str) -> bool:
    return sys.platform == "linux" and os.access(path, os.R_OK)
