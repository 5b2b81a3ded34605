"""Numbers as people read them."""

from __future__ import annotations

import pytest

from q8chat.core import units


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (98_859_008, "94.3 MiB"),
        (104_752_742, "99.9 MiB"),
        (104_857_600, "100 MiB"),
        (1 << 30, "1.0 GiB"),
        (1 << 40, "1.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_size(n: int, text: str) -> None:
    assert units.size(n) == text


@pytest.mark.parametrize(("n", "text"), [(0, "0"), (8192, "8,192"), (1_234_567, "1,234,567")])
def test_count(n: int, text: str) -> None:
    assert units.count(n) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ms"), (0.0854, "85 ms"), (1, "1.0 s"), (1.44, "1.4 s"), (60, "1 min 0 s"), (200, "3 min 20 s")],
)
def test_seconds(value: float, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize("value", [0.9996, 59.96, 119.7])
def test_seconds_never_round_up_into_the_next_unit(value: float) -> None:
    assert units.seconds(value) not in ("1000 ms", "60.0 s", "1 min 60 s")


@pytest.mark.parametrize("n", [1024 * 1024 - 1, (1 << 30) - 1])
def test_sizes_never_round_up_into_the_next_unit(n: int) -> None:
    assert not units.size(n).startswith("1024")


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, ""),
        (950, "950"),
        (134_515_008, "135M"),
        (999_600_000, "1B"),
        (1_235_814_400, "1.2B"),
        (8_030_261_248, "8B"),
        (70_553_706_496, "71B"),
        (1_026_000_000_000, "1T"),
    ],
)
def test_parameters(n: int, text: str) -> None:
    assert units.parameters(n) == text
