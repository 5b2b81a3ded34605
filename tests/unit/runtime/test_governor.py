"""How many threads for how much other load: the rule alone, without a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from q8chat.runtime.governor import FREE_CHECKS, ThreadGovernor

STEADY = 12  # checks after which a smoothed load is the load


def follow(governor: ThreadGovernor, others: float, checks: int = STEADY) -> int:
    for _ in range(checks):
        governor._follow(others)
    return governor._now


@pytest.mark.parametrize(
    ("most", "others", "expected"),
    [
        (2, 0.0, 2),
        (2, 0.3, 2),
        (2, 1.0, 1),
        (2, 5.0, 1),
        (8, 0.0, 8),
        (8, 1.0, 7),
        (8, 3.0, 5),
        (8, 7.0, 1),
        (8, 99.0, 1),
        (1, 1.0, 1),
    ],
)
def test_a_core_in_steady_use_is_left_alone(most: int, others: float, expected: int) -> None:
    assert follow(ThreadGovernor(most), others) == expected


def test_two_cores_react_within_two_checks() -> None:
    assert follow(ThreadGovernor(2), 1.0, checks=2) == 1


def test_a_core_is_taken_back_only_when_it_stays_free() -> None:
    governor = ThreadGovernor(4)
    assert follow(governor, 2.0) == 2
    for _ in range(5):  # now free, now busy: no back and forth
        assert follow(governor, 0.0, checks=FREE_CHECKS - 1) == 2
        assert follow(governor, 2.0) == 2
    assert follow(governor, 0.0) == 4


def test_what_happened_between_two_answers_does_not_count() -> None:
    governor = ThreadGovernor(2)
    with subprocess.Popen([sys.executable, "-c", "import time\nwhile time.process_time() < 1.2: pass"]) as busy:
        busy.wait()
    governor.begin()
    assert governor.threads() == 2


def test_a_fixed_number_stays() -> None:
    governor = ThreadGovernor(3, adapt=False)
    assert {governor.threads() for _ in range(1000)} == {3}
