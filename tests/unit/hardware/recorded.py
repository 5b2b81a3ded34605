"""Machines recorded in `machines/*.json`, each with what a native build of llama.cpp says of itself there.

cpu: fields of CpuDescription; cpuid_flags "same" repeats os_flags. topology: [cores, threads per core] of a kind;
numbering "split" counts all first threads before the second ones (Linux on servers), "pairs" keeps a core's
together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q8chat.hardware.cpu import CpuDescription
from q8chat.hardware.topology import Cache, Core, Topology

_FOLDER = Path(__file__).parent / "machines"
NAMES = sorted(path.stem for path in _FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Recorded:
    cpu: CpuDescription
    topology: Topology
    native_build: str


def load(name: str) -> Recorded:
    data = json.loads((_FOLDER / f"{name}.json").read_text())
    cpu = data["cpu"]
    if cpu.get("cpuid_flags") == "same":
        cpu["cpuid_flags"] = cpu["os_flags"]
    return Recorded(CpuDescription.from_dict(cpu), _topology(data["topology"]), data["native_build"])


def _topology(data: dict[str, Any]) -> Topology:
    packages, (fast, fast_smt), (small, _) = data["packages"], data["performance"], data["efficiency"]
    n_fast = fast * packages
    cores = []
    for i in range(n_fast):
        if data["numbering"] == "split":
            cpus = tuple(i + t * n_fast for t in range(fast_smt))
        else:
            cpus = tuple(range(i * fast_smt, (i + 1) * fast_smt))
        cores.append(Core(cpus, "performance", i // fast))
    first = n_fast * fast_smt
    cores += [Core((first + i,), "efficiency") for i in range(small)]
    caches = tuple(Cache(*cache) for cache in data["caches"])
    allowed = frozenset(cpu for core in cores for cpu in core.cpus)
    return Topology(tuple(cores), caches, data["numa_nodes"], allowed)
