"""ReLU on a graph that only has GELU: GELU(k x) / k comes close to ReLU(x), at most 0.17 / k away from it.

k goes into the weights before the activation. Dividing by it afterwards would push small weights (and the fp16
scales of quantized blocks) out of float16's range; multiplying everything else that is added to the residual stream
by k instead keeps them, since layer norms don't care how large their input is, as long as their epsilon grows too.
All factors are powers of two: no weight is rounded.
"""

from __future__ import annotations

import math

import numpy as np

from q8chat.convert.rows import Array, Rows

SMALLEST, LARGEST = 16, 1024  # k; with 16 all argmaxes are right, beyond 1024 nothing gets better
F16_MAX = 65504.0
STRIP = 8 << 20  # bytes read at a time


class Scaled(Rows):
    """All elements times a factor, as float32, so that float16 can't overflow on the way."""

    def __init__(self, source: Rows, factor: float) -> None:
        super().__init__(source.shape, np.float32)
        self._source, self._factor = source, np.float32(factor)

    def read(self, lo: int, hi: int) -> Array:
        return self._source.read(lo, hi).astype(np.float32) * self._factor


def scale(reach: float) -> int:
    """k for a layer whose weights and results are not larger than `reach`: as large as float16 allows.

    llama.cpp turns activations to float16 where the next weight is float16.
    """
    if not math.isfinite(reach):  # weights that are no numbers are said when they are converted
        return SMALLEST
    fits = 2 ** math.floor(math.log2(F16_MAX / max(reach, 1.0)))
    return int(min(max(fits, SMALLEST), LARGEST))


def largest(weight: Rows, bias: Rows, norm_weight: Rows, norm_bias: Rows) -> float:
    """No weight and no result of the layer, before its activation, is larger, whatever goes in.

    A normalized vector has mean 0 and at most the length sqrt(C), so a row's result is at most sqrt(C) times the
    length of that row (times the norm's weight, less its mean), plus what the biases add.
    """
    gain, shift = norm_weight.all().astype(np.float32), norm_bias.all().astype(np.float32)
    columns = weight.shape[1]
    step = max(1, STRIP // max(1, 4 * columns))
    found = 0.0
    for lo in range(0, weight.n_rows, step):
        hi = min(lo + step, weight.n_rows)
        rows = weight.read(lo, hi).astype(np.float32)
        found = max(found, float(np.abs(rows).max()))
        offset = rows @ shift + bias.read(lo, hi).astype(np.float32)
        rows *= gain
        rows -= rows.mean(axis=1, keepdims=True)
        found = max(found, float((np.linalg.norm(rows, axis=1) * math.sqrt(columns) + offset).max()))
    return found
