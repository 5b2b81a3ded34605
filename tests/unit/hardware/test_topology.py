from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.hardware import topology_linux, topology_macos
from q8chat.hardware.topology import Cache, Core, Topology, from_counts, read_topology
from q8chat.hardware.topology_linux import parse_cpu_list
from tests.unit.hardware.recorded import load

LINUX = ["westmere", "cascade_lake", "alder_lake", "zen3"]


def put(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def cpu_list(cpus: Iterable[int]) -> str:
    return ",".join(map(str, sorted(cpus)))


def write_sys(root: Path, topology: Topology, *, hybrid: str = "") -> None:
    """Lay out a topology as Linux does. hybrid: how efficiency cores are told: pmu, capacity or frequency."""
    devices = root / "devices"
    put(devices / "system/cpu/online", f"0-{max(topology.cpus)}")
    put(devices / "system/cpu/cpu0/cache/index9/size", "no cache")
    for core in topology.cores:
        strong = core.kind == "performance"
        for cpu in core.cpus:
            folder = devices / f"system/cpu/cpu{cpu}"
            put(folder / "topology/core_cpus_list", cpu_list(core.cpus))
            put(folder / "topology/physical_package_id", core.package)
            if hybrid == "capacity":
                put(folder / "cpu_capacity", 1024 if strong else 480)
            if hybrid == "frequency":
                favoured = 5_200_000 if cpu in (8, 9) else 5_000_000
                put(folder / "cpufreq/cpuinfo_max_freq", favoured if strong else 3_900_000)
    for kind, name in (("performance", "cpu_core"), ("efficiency", "cpu_atom")):
        if hybrid == "pmu":
            put(
                devices / name / "cpus",
                cpu_list(c for core in topology.cores if core.kind == kind for c in core.cpus),
            )
    for node in range(topology.numa_nodes):
        put(devices / f"system/node/node{node}/cpulist", "0")
    write_caches(devices, topology)


def write_caches(devices: Path, topology: Topology) -> None:
    index = {"L1d": 0, "L1i": 1, "L2": 2, "L3": 3}
    cores = {name: list(topology.cores) for name in index}
    for cache in sorted(topology.caches, key=lambda c: -c.instances):
        kind = "efficiency" if is_small(cache, topology) else "performance"
        mine = [c for c in cores[cache.name] if c.kind == kind or cache.level == 3]
        share = len(mine) // cache.instances
        for i in range(cache.instances):
            cpus = [cpu for core in mine[i * share : (i + 1) * share] for cpu in core.cpus]
            for cpu in cpus:
                folder = devices / f"system/cpu/cpu{cpu}/cache/index{index[cache.name]}"
                put(folder / "level", cache.level)
                put(folder / "type", cache.kind.capitalize())
                put(folder / "size", f"{cache.size >> 10}K")
                put(folder / "shared_cpu_list", cpu_list(cpus))


def is_small(cache: Cache, topology: Topology) -> bool:
    """Whether these are the caches of Alder Lake's efficiency cores."""
    return bool(topology.of_kind("efficiency")) and (cache.name, cache.size >> 10) in {
        ("L1d", 32),
        ("L1i", 64),
        ("L2", 2048),
    }


@pytest.mark.parametrize("machine", LINUX)
def test_linux_describes_recorded_machines(machine: str, tmp_path: Path) -> None:
    expected = load(machine).topology
    write_sys(tmp_path, expected, hybrid="pmu" if machine == "alder_lake" else "")
    found = topology_linux.read(tmp_path)
    assert found is not None
    assert found.cores == expected.cores
    assert sorted(found.caches, key=repr) == sorted(expected.caches, key=repr)
    assert (found.numa_nodes, found.allowed) == (expected.numa_nodes, expected.cpus)
    assert (found.packages, found.threads_per_core) == (expected.packages, expected.threads_per_core)


@pytest.mark.parametrize("hybrid", ["pmu", "capacity", "frequency"])
def test_linux_tells_efficiency_cores_in_several_ways(hybrid: str, tmp_path: Path) -> None:
    alder_lake = load("alder_lake").topology
    write_sys(tmp_path, alder_lake, hybrid=hybrid)
    found = topology_linux.read(tmp_path)
    assert found is not None
    assert (len(found.of_kind("performance")), len(found.of_kind("efficiency"))) == (8, 8)


def test_favoured_cores_do_not_make_the_others_small(tmp_path: Path) -> None:
    write_sys(tmp_path, load("zen3").topology, hybrid="frequency")
    found = topology_linux.read(tmp_path)
    assert found is not None
    assert found.of_kind("efficiency") == ()


def test_a_guest_with_nothing_but_small_cores_has_no_efficiency_cores(tmp_path: Path) -> None:
    write_sys(tmp_path, from_counts(4, 4))
    put(tmp_path / "devices/cpu_atom/cpus", "0-3")
    found = topology_linux.read(tmp_path)
    assert found is not None
    assert len(found.of_kind("performance")) == 4


def test_a_sandbox_without_sys(tmp_path: Path) -> None:
    assert topology_linux.read(tmp_path) is None


def test_cpu_lists() -> None:
    assert parse_cpu_list("0-2,8,10-11\n") == (0, 1, 2, 8, 10, 11)
    assert parse_cpu_list("") == ()


@given(st.sets(st.integers(0, 500)))
def test_cpu_lists_round_trip(cpus: set[int]) -> None:
    assert parse_cpu_list(cpu_list(cpus)) == tuple(sorted(cpus))


def test_macos_describes_an_m2() -> None:
    fast = (
        "physicalcpu: 4|logicalcpu: 4|l1icachesize: 196608|l1dcachesize: 131072|l2cachesize: 16777216|cpusperl2: 4"
    )
    slow = "physicalcpu: 4|logicalcpu: 4|l1icachesize: 131072|l1dcachesize: 65536|l2cachesize: 4194304|cpusperl2: 4"
    text = "hw.nperflevels: 2\nhw.targettype: J413\nhw.physicalcpu: 8\nhw.logicalcpu: 8\n"
    for level, lines in enumerate((fast, slow)):
        text += "".join(f"hw.perflevel{level}.{line}\n" for line in lines.split("|"))
    found, expected = topology_macos.parse(text), load("apple_m2").topology
    assert found is not None
    assert found.cores == expected.cores
    assert sorted(found.caches, key=repr) == sorted(expected.caches, key=repr)


def test_macos_describes_an_intel_mac() -> None:
    text = "hw.physicalcpu: 4\nhw.logicalcpu: 8\n"
    text += "hw.l1dcachesize: 32768\nhw.l2cachesize: 262144\nhw.l3cachesize: 8388608\n"
    found = topology_macos.parse(text)
    assert found is not None
    assert found.cores == tuple(Core((2 * i, 2 * i + 1)) for i in range(4))
    assert [(c.name, c.instances) for c in found.caches] == [("L1d", 4), ("L2", 4), ("L3", 1)]
    assert found.allowed == frozenset(range(8))


def test_macos_without_sysctl() -> None:
    assert topology_macos.parse("") is None


def test_counts_that_make_no_sense_still_give_a_topology() -> None:
    assert [c.cpus for c in from_counts(2, 4).cores] == [(0, 1), (2, 3)]
    assert [c.cpus for c in from_counts(8, 2).cores] == [(0,), (1,)]
    assert from_counts(3, 4).cpus == frozenset(range(4))


def test_the_live_machine() -> None:
    topology = read_topology()
    assert len(topology.cpus) == psutil.cpu_count()
    assert len(topology.cores) == psutil.cpu_count(logical=False)
    assert topology.allowed <= topology.cpus


@pytest.mark.skipif(sys.platform != "linux", reason="needs CPU affinity")
def test_live_affinity() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert read_topology().allowed == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
