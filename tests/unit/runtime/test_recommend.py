"""Which quantization is recommended, and the sentence that says why."""

from __future__ import annotations

import pytest

from q8chat.runtime.footprint import verdict
from q8chat.runtime.recommend import Choice, quality, recommend

GIB = 1 << 30
# Sizes in GiB of a model of 7 billion weights with a context of 8,192 tokens.
LARGE = {
    "F16": 15.0,
    "Q8_0": 8.6,
    "Q6_K": 7.0,
    "Q5_K_M": 6.2,
    "Q4_K_M": 5.4,
    "Q4_0": 5.0,
    "Q3_K_M": 4.6,
    "Q2_K": 3.9,
}
SLOW = {"F16", "Q6_K", "Q5_K_M", "Q3_K_M", "Q2_K"}


def chosen(sizes: dict[str, float], free: float, slow: set[str] = SLOW) -> tuple[str, str]:
    rows = [
        Choice(
            name, int(n * GIB), verdict(int(n * GIB), int(free * GIB)), "AVX2" if name in slow else "AVX2 repacked"
        )
        for name, n in sizes.items()
    ]
    found = recommend(rows, int(free * GIB), 8192)
    return (rows[found.index].label, found.reason) if found else ("", "")


@pytest.mark.parametrize(
    ("free", "label", "reason"),
    [
        (60, "Q4_K_M", "The best balance of quality, speed and memory (5.4 GiB of memory at 8,192 tokens;"),
        (6.0, "Q4_0", "The best quality that fits (5.0 GiB"),
        (5.0, "Q2_K", "The best quality that fits (3.9 GiB"),
        (4.2, "Q2_K", "The least memory of all that can be loaded"),
        (3.0, "", ""),
    ],
)
def test_what_fits_decides(free: float, label: str, reason: str) -> None:
    got, why = chosen(LARGE, free)
    assert got == label
    assert why.startswith(reason)


def test_a_small_model_is_taken_in_8_bits_when_there_is_plenty() -> None:
    small = {name: n / 10 for name, n in LARGE.items()}
    label, reason = chosen(small, 16)
    assert (label, reason) == (
        "Q8_0",
        "It is small (881 MiB of memory at 8,192 tokens), so the best quality costs little.",
    )
    assert chosen(small, 2)[0] == "Q4_K_M"


def test_the_kernel_decides_between_near_levels() -> None:
    near = {"Q4_K_M": 5.4, "IQ4_NL": 5.1}
    assert chosen(near, 60, slow={"Q4_K_M"})[0] == "IQ4_NL"
    assert chosen(near, 60, slow={"IQ4_NL"})[0] == "Q4_K_M"
    assert chosen(near, 60, slow=set())[0] == "Q4_K_M"
    far = {"Q4_K_M": 5.4, "Q3_K_M": 4.6}
    assert chosen(far, 60, slow={"Q4_K_M"})[0] == "Q4_K_M"


def test_only_levels_beyond_need() -> None:
    assert chosen({"F16": 15.0, "Q8_0": 8.6}, 60)[0] == "Q8_0"
    assert chosen({"F16": 15.0, "F32": 30.0}, 60)[0] == "F16"


def test_nothing_to_choose_from() -> None:
    assert chosen({}, 60) == ("", "")


@pytest.mark.parametrize(
    ("label", "same"), [("UD-Q4_K_XL", "Q4_K_M"), ("q4_k_m", "Q4_K_M"), ("Q6_K_L", "Q6_K"), ("Q8_K_XL", "odd")]
)
def test_names_of_others(label: str, same: str) -> None:
    assert quality(label) == quality(same)
