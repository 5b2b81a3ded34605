"""Factors that stretch a model's rotary wavelengths."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from q8chat.convert.hparams import Config


def llama3_factors(rope: Config, head_dim: int) -> NDArray[np.float32]:
    """Llama 3.1's factors, (head_dim / 2,): long wavelengths are stretched, short ones kept, between them blended.

    Computed in float32 where the reference does. Formula: transformers' `_compute_llama3_parameters`.
    """
    base, factor = rope.get("rope_theta", 10000.0), rope.get("factor", 8.0)
    low, high = rope.get("low_freq_factor", 1.0), rope.get("high_freq_factor", 4.0)
    trained = rope.get("original_max_position_embeddings", 8192)
    steps = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
    wavelengths = np.float32(2 * math.pi) / (np.float32(1) / np.power(np.float32(base), steps))
    factors = np.ones(len(steps), np.float32)
    for i, wavelength in enumerate(wavelengths):
        if wavelength > trained / low:
            factors[i] = factor
        elif wavelength >= trained / high:
            smooth = (np.float32(trained) / wavelength - np.float32(low)) / np.float32(high - low)
            factors[i] = np.float32(1) / ((np.float32(1) - smooth) / np.float32(factor) + smooth)
    return factors
