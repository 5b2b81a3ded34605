"""What of the cache can be kept: compared with the plainest possible way to find it."""

from __future__ import annotations

from hypothesis import assume, example, given
from hypothesis import strategies as st

from q8chat.runtime.kv_cache import SHORTEST_MOVE, common, find_gap

TOKENS = st.lists(st.integers(0, 3), max_size=60)
LONG = st.lists(st.integers(0, 2**31 - 1), min_size=SHORTEST_MOVE, max_size=60)


def naive_common(a: list[int], b: list[int]) -> int:
    n = 0
    while n < len(a) and n < len(b) and a[n] == b[n]:
        n += 1
    return n


def naive_gap(cached: list[int], wanted: list[int], prefix: int) -> int:
    """The first gap after which the shorter of both rests agrees altogether, and long enough."""
    want = wanted[prefix:]
    for gap in range(1, len(cached) - prefix + 1):
        rest = cached[prefix + gap :]
        n = min(len(rest), len(want))
        if n >= SHORTEST_MOVE and rest[:n] == want[:n]:
            return gap
    return 0


@given(TOKENS, TOKENS)
@example([], [])
@example([1, 2], [1, 2, 3])
def test_common_prefix(a: list[int], b: list[int]) -> None:
    assert common(a, b) == common(b, a) == naive_common(a, b)
    assert common(a, a) == len(a)


@given(TOKENS, TOKENS)
def test_any_lists(cached: list[int], wanted: list[int]) -> None:
    prefix = common(cached, wanted)
    assert find_gap(cached, wanted, prefix) == naive_gap(cached, wanted, prefix)


@given(TOKENS, st.lists(st.integers(4, 6), min_size=1, max_size=20), LONG, TOKENS)
def test_a_dropped_turn_is_found(prefix: list[int], dropped: list[int], kept: list[int], new: list[int]) -> None:
    cached, wanted = prefix + dropped + kept, prefix + kept + new
    at = common(cached, wanted)
    assume(at == len(prefix))
    gap = find_gap(cached, wanted, at)
    assert gap == naive_gap(cached, wanted, at)
    moved = cached[:at] + cached[at + gap :]
    assert 0 < gap <= len(dropped)
    assert common(moved, wanted) >= min(len(moved), len(wanted))


@given(st.integers(0, 255), st.integers(1, 70), st.integers(1, 70))
def test_repetitions_of_one_byte_value(value: int, n: int, extra: int) -> None:
    """Tokens whose bytes look alike at every offset: an odd match of bytes is not a match of tokens."""
    token = value * 0x01010101 & 0x7FFFFFFF
    cached, wanted = [9] + [token] * n, [token] * (n + extra)
    assert find_gap(cached, wanted, 0) == naive_gap(cached, wanted, 0)


def test_a_short_agreement_is_chance() -> None:
    cached = [1, 2, 3, *range(100, 100 + SHORTEST_MOVE - 1)]
    assert find_gap(cached, [1, *range(100, 100 + SHORTEST_MOVE - 1)], 1) == 0
    cached.append(99)
    assert find_gap(cached, [1, *range(100, 100 + SHORTEST_MOVE - 1), 99], 1) == 2
