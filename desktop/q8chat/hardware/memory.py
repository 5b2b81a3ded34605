"""How much memory there is for a model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import psutil

from q8chat.hardware.cgroup import MemoryLimit, read_limits


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `available`: what can be used without swapping. `limit`: a container's, None if there is none."""

    total: int
    available: int
    swap_total: int
    swap_free: int
    limit: int | None = None

    @property
    def usable(self) -> int:
        """What this process could have at most: all memory or the container's share."""
        return self.total if self.limit is None else self.limit


def within(memory: Memory, limit: MemoryLimit | None) -> Memory:
    """The same memory seen from inside a container. A limit above the total is none."""
    if limit is None or limit.limit >= memory.total:
        return memory
    available = min(memory.available, max(0, limit.limit - limit.used))
    return Memory(memory.total, available, memory.swap_total, memory.swap_free, limit.limit)


def read_memory() -> Memory:
    """Memory of this machine at this moment, as far as this process may use it."""
    ram = psutil.virtual_memory()
    with warnings.catch_warnings():
        # Some containers hide the paging counters; the sizes, all we read, are still right.
        warnings.simplefilter("ignore", RuntimeWarning)
        swap = psutil.swap_memory()
    return within(Memory(ram.total, ram.available, swap.total, swap.free), read_limits().memory)
