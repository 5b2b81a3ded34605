"""The topology as macOS tells it through sysctl."""

from __future__ import annotations

import subprocess

from q8chat.hardware.topology import Cache, CacheKind, Core, CoreKind, Topology


def read() -> Topology | None:
    """None if sysctl can't be run."""
    try:
        done = subprocess.run(["/usr/sbin/sysctl", "hw"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(done.stdout)


def parse(text: str) -> Topology | None:
    """From the output of `sysctl hw`. Performance cores get the low CPU numbers; macOS itself gives none."""
    lines = (line.partition(": ") for line in text.splitlines())
    hw = {key.removeprefix("hw."): int(value) for key, _, value in lines if value.strip().isdigit()}
    cores: list[Core] = []
    caches: list[Cache] = []
    for level in range(max(1, hw.get("nperflevels", 1))):
        prefix = f"perflevel{level}." if f"perflevel{level}.physicalcpu" in hw else ""
        physical, logical = hw.get(f"{prefix}physicalcpu", 0), hw.get(f"{prefix}logicalcpu", 0)
        if not physical or not logical:
            continue
        first, smt = sum(len(c.cpus) for c in cores), logical // physical
        kind: CoreKind = "performance" if level == 0 else "efficiency"
        cores += [Core(tuple(range(first + i * smt, first + (i + 1) * smt)), kind) for i in range(physical)]
        caches += _caches(hw, prefix, physical, logical)
    return (
        Topology(tuple(cores), tuple(caches), 1, frozenset(c for core in cores for c in core.cpus))
        if cores
        else None
    )


def _caches(hw: dict[str, int], prefix: str, physical: int, logical: int) -> list[Cache]:
    shared = {"l1d": physical, "l1i": physical}
    shared["l2"] = max(1, logical // hw[f"{prefix}cpusperl2"]) if f"{prefix}cpusperl2" in hw else physical
    shared["l3"] = 1
    kinds: dict[str, CacheKind] = {"l1d": "data", "l1i": "instruction"}
    return [
        Cache(int(name[1]), kinds.get(name, "unified"), hw[f"{prefix}{name}cachesize"], n)
        for name, n in shared.items()
        if hw.get(f"{prefix}{name}cachesize")
    ]
