"""The topology as Linux tells it in /sys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

from q8chat.hardware.topology import Cache, CacheKind, Core, CoreKind, Topology

# Below this share of the strongest core, a core counts as an efficiency core. The capacity of small Arm cores is
# some 0.45-0.55; maximum frequency differs down to 0.89 between equal cores of which some are favoured.
_SMALL_CAPACITY = 0.6
_SMALL_FREQUENCY = 0.8


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The kernel's notation of CPU sets: "0-2,8" is (0, 1, 2, 8)."""
    cpus: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return tuple(cpus)


def read(sys_dir: Path = Path("/sys")) -> Topology | None:
    """None if /sys does not describe the CPUs (some sandboxes)."""
    devices = sys_dir / "devices"
    online = parse_cpu_list(_text(devices / "system/cpu/online"))
    small = _efficiency_cpus(devices, online)
    cores: dict[int, Core] = {}
    known: set[int] = set()
    for cpu in online:
        if cpu in known:
            continue
        folder = devices / f"system/cpu/cpu{cpu}/topology"
        siblings = _text(folder / "core_cpus_list") or _text(folder / "thread_siblings_list")
        cpus = parse_cpu_list(siblings) or (cpu,)
        known.update(cpus)
        kind: CoreKind = "efficiency" if cpu in small else "performance"
        cores.setdefault(cpus[0], Core(cpus, kind, max(0, int(_text(folder / "physical_package_id") or 0))))
    if not cores:
        return None
    nodes = sum(1 for node in (devices / "system/node").glob("node[0-9]*") if _text(node / "cpulist"))
    return Topology(tuple(cores.values()), _caches(devices, online), max(1, nodes), frozenset(online))


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _efficiency_cpus(devices: Path, online: tuple[int, ...]) -> frozenset[int]:
    if atoms := parse_cpu_list(_text(devices / "cpu_atom/cpus")):
        # A machine of small cores only (or a guest that got only those) has none that are bigger.
        return frozenset(atoms) if _text(devices / "cpu_core/cpus") else frozenset()
    for name, share in (("cpu_capacity", _SMALL_CAPACITY), ("cpufreq/cpuinfo_max_freq", _SMALL_FREQUENCY)):
        folder = devices / "system/cpu"
        if not online or not _text(folder / f"cpu{online[0]}" / name):
            continue
        strength = {cpu: int(_text(folder / f"cpu{cpu}" / name) or 0) for cpu in online}
        if min(strength.values()) > 0:
            return frozenset(cpu for cpu in online if strength[cpu] < share * max(strength.values()))
    return frozenset()


def _caches(devices: Path, online: tuple[int, ...]) -> tuple[Cache, ...]:
    counts: Counter[tuple[int, str, int]] = Counter()
    seen: set[tuple[int, str]] = set()  # (cpu, index) of caches counted already, through another CPU
    for cpu in online:
        for index in ("index0", "index1", "index2", "index3"):
            folder = devices / f"system/cpu/cpu{cpu}/cache/{index}"
            if (cpu, index) in seen or not (size := _text(folder / "size")):
                continue
            seen |= {(other, index) for other in parse_cpu_list(_text(folder / "shared_cpu_list"))}
            unit = {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
            n_bytes = int(size.rstrip("KM")) * unit
            counts[int(_text(folder / "level")), _text(folder / "type").lower(), n_bytes] += 1
    order = ("data", "instruction", "unified")
    return tuple(
        Cache(level, cast("CacheKind", kind), n_bytes, n)
        for (level, kind, n_bytes), n in sorted(
            counts.items(), key=lambda c: (c[0][0], order.index(c[0][1]), -c[0][2])
        )
    )
