"""Cores, caches and NUMA nodes, and which of them this process may use."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Literal

import psutil

from q8chat.hardware.cgroup import read_limits

CoreKind = Literal["performance", "efficiency"]
CacheKind = Literal["data", "instruction", "unified"]


@dataclass(frozen=True, slots=True)
class Core:
    """A physical core and its logical CPUs (hardware threads). Equal cores are all performance cores."""

    cpus: tuple[int, ...]
    kind: CoreKind = "performance"
    package: int = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """`instances` equal caches of `size` bytes each."""

    level: int
    kind: CacheKind
    size: int
    instances: int

    @property
    def name(self) -> str:
        """L1d, L1i, L2, L3."""
        return f"L{self.level}" + {"data": "d", "instruction": "i", "unified": ""}[self.kind]


@dataclass(frozen=True, slots=True)
class Topology:
    """`allowed`: the CPUs this process may run on. `quota`: CPU time per time a container grants, None if all."""

    cores: tuple[Core, ...]
    caches: tuple[Cache, ...] = ()
    numa_nodes: int = 1
    allowed: frozenset[int] = frozenset()
    quota: float | None = None

    def of_kind(self, kind: CoreKind) -> tuple[Core, ...]:
        return tuple(c for c in self.cores if c.kind == kind)

    @property
    def cpus(self) -> frozenset[int]:
        """All logical CPUs."""
        return frozenset(cpu for c in self.cores for cpu in c.cpus)

    @property
    def packages(self) -> int:
        return len({c.package for c in self.cores})

    @property
    def threads_per_core(self) -> int:
        """Hardware threads of the widest core: 2 with SMT, otherwise 1."""
        return max(len(c.cpus) for c in self.cores)


def read_topology() -> Topology:
    """The topology of this machine; where the system tells no more, the bare counts."""
    from q8chat.hardware import topology_linux, topology_macos

    topology = None
    if sys.platform == "linux":
        topology = topology_linux.read()
    elif sys.platform == "darwin":
        topology = topology_macos.read()
    topology = topology or from_counts(psutil.cpu_count(logical=False), psutil.cpu_count() or 1)
    return Topology(
        cores=topology.cores,
        caches=topology.caches,
        numa_nodes=topology.numa_nodes,
        allowed=_allowed() or topology.cpus,
        quota=read_limits().cpus,
    )


def from_counts(physical: int | None, logical: int) -> Topology:
    """All that can be said from two numbers; hardware threads of a core are taken to be neighbours."""
    n_cores = min(physical or logical, logical)
    cores = tuple(Core(tuple(range(i * logical // n_cores, (i + 1) * logical // n_cores))) for i in range(n_cores))
    return Topology(cores, allowed=frozenset(range(logical)))


def _allowed() -> frozenset[int]:
    if sys.platform == "linux":
        return frozenset(os.sched_getaffinity(0))
    return frozenset()
