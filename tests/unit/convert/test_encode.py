"""The same bits as gguf-py, which the reference rounds with."""

from __future__ import annotations

import gguf
import numpy as np
import pytest
from gguf.quants import quantize
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.convert import encode

FINITE_BF16 = np.arange(65536, dtype=np.uint32)[(np.arange(65536) & 0x7F80) != 0x7F80] << 16


def test_every_bfloat16_becomes_the_float16_that_numpy_makes_of_it() -> None:
    values = FINITE_BF16.view(np.float32).reshape(-1, 64)
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)
    assert np.array_equal(encode.f16(values).view(np.uint16), expected.view(np.uint16))


def test_every_float16_becomes_the_bfloat16_that_gguf_makes_of_it() -> None:
    values = np.arange(65536, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)].reshape(-1, 64)
    expected = quantize(values, gguf.GGMLQuantizationType.BF16).view(np.uint16)
    assert np.array_equal(encode.bf16(values), expected)


def test_every_float16_stays_itself() -> None:
    values = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(-1, 64)
    assert np.array_equal(encode.f16(values).view(np.uint16), values.view(np.uint16))


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), exponent=st.integers(-30, 30), zeros=st.booleans())
@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0"])
def test_random_weights_of_all_sizes(kind: str, seed: int, exponent: int, zeros: bool) -> None:
    rng = np.random.default_rng(seed)
    values = np.ldexp(rng.standard_normal((8, 96), np.float32), exponent)
    if zeros:
        values[::2, :32] = 0
    type_id = gguf.GGMLQuantizationType[kind]
    with np.errstate(over="ignore", invalid="ignore"):
        expected = quantize(values, type_id)
    assert encode.ENCODERS[int(type_id)](values).tobytes() == expected.tobytes()


def test_halves_are_rounded_away_from_zero_in_q8_0() -> None:
    values = np.full((1, 32), 127.0, np.float32)
    values[0, :6] = [0.5, -0.5, 1.5, -1.5, 126.5, -126.5]
    assert encode.q8_0(values)[0, 2:8].view(np.int8).tolist() == [1, -1, 2, -2, 127, -127]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("type_id", encode.ENCODERS)
def test_what_is_no_number_is_noticed(type_id: int, bad: float) -> None:
    values = np.ones((4, 32), np.float32)
    assert encode.is_finite(values, encode.ENCODERS[type_id](values), type_id)
    values[2, 7] = bad
    assert not encode.is_finite(values, encode.ENCODERS[type_id](values), type_id)
