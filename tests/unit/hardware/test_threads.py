from __future__ import annotations

from dataclasses import replace

import pytest

from q8chat.hardware.threads import advise_threads, default_threads
from q8chat.hardware.topology import Topology, from_counts
from tests.unit.hardware.recorded import load


@pytest.mark.parametrize(
    ("machine", "threads"),
    [
        ("westmere", 6),
        ("cascade_lake", 48),
        ("ice_lake_server", 64),
        ("sapphire_rapids", 112),
        ("alder_lake", 8),
        ("zen3", 16),
        ("zen4", 96),
        ("neoverse_n1", 64),
        ("graviton3", 64),
        ("apple_m2", 4),
    ],
)
def test_one_thread_per_performance_core(machine: str, threads: int) -> None:
    assert default_threads(load(machine).topology) == threads


@pytest.fixture
def alder_lake() -> Topology:
    return load("alder_lake").topology


@pytest.mark.parametrize(
    ("allowed", "threads"),
    [
        ({0, 1, 2, 3}, 2),  # two performance cores with both their hardware threads
        ({0, 2, 4, 16, 17}, 3),  # three performance cores, two efficiency cores
        ({16, 17, 18}, 3),  # nothing but efficiency cores is better than nothing
        ({5}, 1),
    ],
)
def test_affinity(alder_lake: Topology, allowed: set[int], threads: int) -> None:
    assert default_threads(replace(alder_lake, allowed=frozenset(allowed))) == threads


@pytest.mark.parametrize(("quota", "threads"), [(0.25, 1), (1.5, 1), (2.0, 2), (3.97, 4), (6.5, 6), (20.0, 8)])
def test_container_quota(alder_lake: Topology, quota: float, threads: int) -> None:
    assert default_threads(replace(alder_lake, quota=quota)) == threads


def test_the_reason_names_what_was_left_out(alder_lake: Topology) -> None:
    assert advise_threads(alder_lake).reason == (
        "One thread for each performance core. "
        "Efficiency cores and second hardware threads are left out: they would hold the others up."
    )
    assert "2.5 CPUs" in advise_threads(replace(alder_lake, quota=2.5)).reason
    pinned = advise_threads(replace(alder_lake, allowed=frozenset({16, 17})))
    assert pinned.reason == "One thread for each core that this process may use."


def test_bare_counts() -> None:
    assert default_threads(from_counts(4, 8)) == 4
    assert default_threads(from_counts(None, 2)) == 2
    assert default_threads(from_counts(1, 1)) == 1
