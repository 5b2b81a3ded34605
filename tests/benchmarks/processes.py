"""A whole process: how long it takes, the most memory it has, what it writes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TIME = "/usr/bin/time"
BLOCK = 512  # bytes; /usr/bin/time counts output in these


@dataclass(frozen=True)
class Run:
    """Seconds of wall time, the largest resident memory in MiB, and MiB written, as /usr/bin/time tells them."""

    seconds: float
    peak: float
    written: float


def run(command: Sequence[str | Path]) -> Run:
    """Run it to its end; an exit code other than 0 raises."""
    started = time.perf_counter()
    done = subprocess.run(
        [TIME, "-f", "figures %M %O", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    peak, blocks = map(int, done.stderr.split()[-2:])
    return Run(seconds, peak / 1024, blocks * BLOCK / 2**20)
