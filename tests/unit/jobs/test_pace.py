"""Speed and time left, and how seldom progress is passed on."""

from __future__ import annotations

import time

import pytest

from q8chat.core.progress import Progress
from q8chat.jobs.pace import Pace
from q8chat.jobs.reporter import REPEAT, Coalesced
from q8chat.jobs.types import JobProgress


def run(
    pace: Pace, start: float, seconds: float, speed: float, *, done: float = 0, total: int = 1000
) -> JobProgress:
    """Report ten times a second at this speed; the last answer."""
    for i in range(round(seconds * 10) + 1):
        answer = pace.update(start + i / 10, Progress(round(done + speed * i / 10), total, "steps"))
    return answer


def test_a_steady_speed_is_right_from_the_first_second_on() -> None:
    assert run(Pace(), 0, 1, 50).speed == pytest.approx(50, rel=0.05)
    last = run(Pace(), 0, 10, 50)
    assert last.speed == pytest.approx(50, rel=0.01)
    assert last.seconds_left == pytest.approx(10, rel=0.02)


def test_what_was_there_before_is_not_speed() -> None:
    pace = Pace()
    first = pace.update(0, Progress(900_000, 1_000_000))
    assert (first.speed, first.seconds_left) == (0, None)
    assert run(pace, 0, 2, 100, done=900_000, total=1_000_000).speed == pytest.approx(100, rel=0.02)


def test_a_hiccup_hardly_counts_and_a_standstill_does() -> None:
    pace = Pace()
    run(pace, 0, 20, 100, total=10_000)
    hiccup = pace.update(20.5, Progress(2000, 10_000, "steps"))
    assert hiccup.speed == pytest.approx(100, rel=0.15)
    for second in range(21, 61):
        still = pace.update(second, Progress(2000, 10_000, "steps"))
    assert still.speed < 1
    assert still.done == 2000


def test_a_change_of_speed_is_followed_within_seconds() -> None:
    pace = Pace()
    run(pace, 0, 20, 100, total=10**6)
    assert run(pace, 20, 15, 500, done=2000, total=10**6).speed == pytest.approx(500, rel=0.06)


@pytest.mark.parametrize(
    "following", [Progress(0, 50, "files"), Progress(5, 1000, "steps"), Progress(0, 900, "steps")]
)
def test_another_phase_starts_anew(following: Progress) -> None:
    pace = Pace()
    run(pace, 0, 10, 50)
    answer = pace.update(10.1, following)
    assert (answer.speed, answer.seconds_left, answer.unit) == (0, None, following.unit)


def test_nothing_is_promised_without_a_total_or_for_ever() -> None:
    pace = Pace()
    assert run(pace, 0, 5, 50, total=0).seconds_left is None
    assert run(Pace(), 0, 5, 1, total=10**12).seconds_left is None


def test_the_last_word_is_always_passed_on() -> None:
    said: list[Progress] = []
    with Coalesced(said.append) as report:
        for i in range(10_000):
            report(Progress(i))
    assert said[-1] == Progress(9999)
    assert len(said) < 20


def test_nothing_is_said_without_news() -> None:
    said: list[Progress] = []
    with Coalesced(said.append):
        pass
    assert said == []
    with Coalesced(said.append) as report:
        report(Progress(1))
        time.sleep(REPEAT + 0.5)
    assert said == [Progress(1)]


def test_a_standstill_is_said_again_where_the_pace_is_measured() -> None:
    said: list[Progress] = []
    with Coalesced(said.append, repeat=True) as report:
        report(Progress(1))
        time.sleep(2 * REPEAT + 0.5)
    assert 2 <= len(said) <= 4
