"""Container limits and memory, on folders laid out as Linux does it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from q8chat.hardware.cgroup import CgroupLimits, MemoryLimit, read_limits
from q8chat.hardware.memory import Memory, read_memory, within

GIB = 1 << 30


class Groups:
    """A /proc and a /sys/fs/cgroup of one's own."""

    def __init__(self, root: Path) -> None:
        self.proc, self.mount = root / "proc", root / "cgroup"

    def member(self, *lines: str) -> None:
        self._write(self.proc / "self/cgroup", "\n".join(lines))

    def mounted(self, *mounts: str) -> None:
        """Each "root folder type options": what of the hierarchy is seen, where, and its kind."""
        lines = []
        for mount in mounts:
            root, folder, kind, options = mount.split()
            lines.append(
                f"32 31 0:29 {root} {self.mount / folder} rw,relatime shared:9 - {kind} {kind} rw,{options}"
            )
        self._write(self.proc / "self/mountinfo", "\n".join(["22 1 8:1 / / rw - ext4 /dev/vda rw", *lines]))

    def file(self, path: str, text: object) -> None:
        self._write(self.mount / path, str(text))

    def limits(self) -> CgroupLimits:
        return read_limits(self.proc)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


def test_version_2_takes_the_tightest_limit_of_all_parents(groups: Groups) -> None:
    groups.member("0::/user.slice/app.scope")
    groups.mounted("/ . cgroup2 nsdelegate")
    groups.file("user.slice/cpu.max", "150000 100000")
    groups.file("user.slice/app.scope/cpu.max", "max 100000")
    groups.file("user.slice/memory.max", 4 * GIB)
    groups.file("user.slice/memory.current", 3 * GIB)
    groups.file("user.slice/memory.stat", f"anon {GIB}\nfile {2 * GIB}\ninactive_file {GIB}\nactive_file {GIB}")
    groups.file("user.slice/app.scope/memory.max", "max")
    groups.file("user.slice/app.scope/memory.current", GIB)
    assert groups.limits() == CgroupLimits(1.5, MemoryLimit(4 * GIB, 2 * GIB))


def test_version_1(groups: Groups) -> None:
    groups.member("4:memory:/docker/abc", "2:cpu,cpuacct:/docker/abc", "1:name=systemd:/", "0::/")
    groups.mounted("/ cpu,cpuacct cgroup cpu,cpuacct", "/ memory cgroup memory", "/ unified cgroup2 nsdelegate")
    groups.file("cpu,cpuacct/docker/abc/cpu.cfs_quota_us", 50000)
    groups.file("cpu,cpuacct/docker/abc/cpu.cfs_period_us", 100000)
    groups.file("cpu,cpuacct/cpu.cfs_quota_us", -1)
    groups.file("cpu,cpuacct/cpu.cfs_period_us", 100000)
    groups.file("memory/docker/abc/memory.limit_in_bytes", 2 * GIB)
    groups.file("memory/docker/abc/memory.usage_in_bytes", GIB)
    groups.file("memory/docker/abc/memory.stat", f"cache 5\ntotal_inactive_file {GIB // 2}")
    groups.file("memory/memory.limit_in_bytes", 9223372036854771712)
    groups.file("memory/memory.usage_in_bytes", GIB)
    assert groups.limits() == CgroupLimits(0.5, MemoryLimit(2 * GIB, GIB // 2))


def test_a_container_sees_its_own_part_of_the_tree(groups: Groups) -> None:
    groups.member("2:cpu:/docker/abc/inner")
    groups.mounted("/docker/abc cpu cgroup cpu")
    groups.file("cpu/cpu.cfs_quota_us", 300000)
    groups.file("cpu/cpu.cfs_period_us", 100000)
    groups.file("cpu/inner/cpu.cfs_quota_us", 250000)
    groups.file("cpu/inner/cpu.cfs_period_us", 100000)
    assert groups.limits().cpus == 2.5


def test_a_group_outside_of_what_is_mounted_falls_back_to_the_mount(groups: Groups) -> None:
    groups.member("2:cpu:/elsewhere")
    groups.mounted("/docker/abc cpu cgroup cpu")
    groups.file("cpu/cpu.cfs_quota_us", 200000)
    groups.file("cpu/cpu.cfs_period_us", 100000)
    assert groups.limits().cpus == 2.0


def test_no_limits(groups: Groups) -> None:
    groups.member("0::/")
    groups.mounted("/ . cgroup2 nsdelegate")
    assert groups.limits() == CgroupLimits()


def test_no_groups_at_all(groups: Groups) -> None:
    assert groups.limits() == CgroupLimits()


def test_a_container_limit_narrows_the_memory() -> None:
    machine = Memory(total=32 * GIB, available=20 * GIB, swap_total=0, swap_free=0)
    inside = within(machine, MemoryLimit(limit=4 * GIB, used=GIB))
    assert (inside.limit, inside.available, inside.usable, inside.total) == (4 * GIB, 3 * GIB, 4 * GIB, 32 * GIB)
    crowded = Memory(total=32 * GIB, available=GIB, swap_total=0, swap_free=0)
    assert within(crowded, MemoryLimit(limit=4 * GIB, used=GIB)).available == GIB
    assert within(machine, MemoryLimit(limit=4 * GIB, used=5 * GIB)).available == 0


def test_a_limit_above_the_memory_is_none() -> None:
    machine = Memory(total=32 * GIB, available=20 * GIB, swap_total=0, swap_free=0)
    assert within(machine, MemoryLimit(64 * GIB, 0)) == machine
    assert within(machine, None).usable == 32 * GIB


def test_the_live_memory() -> None:
    memory = read_memory()
    assert memory.total == psutil.virtual_memory().total
    assert 0 < memory.available <= memory.usable <= memory.total
    assert 0 <= memory.swap_free <= memory.swap_total
