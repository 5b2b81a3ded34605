"""Medians, their spread, and the machine they were measured on."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence


def summary(values: Sequence[float], form: str = ".1f") -> str:
    """Median and, in brackets, smallest to largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Median of the ratios of pairs, with the spread."""
    return summary([a / b for a, b in zip(ours, theirs, strict=True)], ".3f")


def machine() -> str:
    """One line that says where this was measured."""
    from q8chat.hardware.cpu import read_cpu
    from q8chat.hardware.memory import read_memory
    from q8chat.hardware.topology import read_topology

    topology = read_topology()
    memory = read_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{read_cpu().name}, {len(topology.cores)} cores, {memory:.0f} GiB, load average {load:.2f}"
