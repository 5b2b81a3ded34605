"""Limits that a container or a systemd slice puts on this process (Linux control groups, versions 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 1 << 60  # version 1 writes "none" as a number near 2**63


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """Bytes the group may use, and how many of them are taken by what can't be dropped."""

    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class CgroupLimits:
    """`cpus`: CPU time per time, 2.5 means two and a half CPUs. None: no limit."""

    cpus: float | None = None
    memory: MemoryLimit | None = None


def read_limits(proc: Path = Path("/proc")) -> CgroupLimits:
    """The tightest limits among this process's groups and their parents; none where there are no groups."""
    try:
        members = (proc / "self/cgroup").read_text().splitlines()
        mounts = (proc / "self/mountinfo").read_text().splitlines()
    except OSError:
        return CgroupLimits()
    cpu = [q for d in _folders("cpu", members, mounts) if (q := _cpu_quota(d)) is not None]
    memory = [m for d in _folders("memory", members, mounts) if (m := _memory_limit(d)) is not None]
    return CgroupLimits(min(cpu, default=None), min(memory, key=lambda m: m.limit - m.used, default=None))


def _folders(controller: str, members: list[str], mounts: list[str]) -> list[Path]:
    """Folders of this process's groups for a controller, each with all parents that can be seen."""
    folders = []
    for line in members:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for root, mount in _mounted(controller if controllers else "", mounts):
            # In a container the mount shows only the part below `root`; a path outside of it can't be seen.
            visible = Path(path).is_relative_to(root)
            leaf = mount / Path(path).relative_to(root) if visible else mount
            folders += [leaf, *(p for p in leaf.parents if p.is_relative_to(mount))]
    return folders


def _mounted(controller: str, mounts: list[str]) -> list[tuple[str, Path]]:
    """(root, mount point) of a version 1 controller, or of version 2 for ""."""
    found = []
    for line in mounts:
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        version_1 = kind[0] == "cgroup" and controller in kind[-1].split(",")
        if version_1 if controller else kind[0] == "cgroup2":
            found.append((fields[3], Path(fields[4])))
    return found


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _cpu_quota(folder: Path) -> float | None:
    quota_and_period = _words(folder / "cpu.max")
    if not quota_and_period:
        quota_and_period = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(quota_and_period) != 2 or quota_and_period[0] in ("max", "-1"):
        return None
    quota, period = map(int, quota_and_period)
    return quota / period


def _memory_limit(folder: Path) -> MemoryLimit | None:
    for limit_file, usage_file, droppable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, usage = _words(folder / limit_file), _words(folder / usage_file)
        if limit and usage and limit[0].isdigit() and int(limit[0]) < _NO_LIMIT:
            stat = _words(folder / "memory.stat")
            cache = int(stat[stat.index(droppable) + 1]) if droppable in stat else 0
            return MemoryLimit(int(limit[0]), max(0, int(usage[0]) - cache))
    return None
