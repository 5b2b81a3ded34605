"""A prediction of memory: the estimate from the header, corrected by what was measured on this machine.

Known configuration: what was measured. Otherwise the estimate, its base moved by the median difference seen so far
(with this model, or else with all), its compute buffer scaled by the median ratio seen with this architecture.
Medians and limits keep one odd measurement, made while memory was short or by a program gone wrong, from spoiling
the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from q8chat.gguf_files.header import Header
from q8chat.runtime.footprint import N_BATCH, Footprint, estimate, is_quantized
from q8chat.runtime.footprint_compute import graph
from q8chat.runtime.kernels import Kernels
from q8chat.runtime.measured import Measurement, build, identity, known

Source = Literal["measured", "corrected", "estimated"]

LARGEST_OFFSET = 32 << 20  # bytes that a correction moves the base at most
SMALLEST_FACTOR, LARGEST_FACTOR = 0.5, 2.0  # of the compute buffer
BELIEVED = 0.25  # a measured total that is off by more than this share is not believed


@dataclass(frozen=True, slots=True)
class Prediction:
    """`estimate`: from the header alone. `footprint`: with what was measured here, as `source` says."""

    footprint: Footprint
    estimate: Footprint
    source: Source

    def parts(self) -> dict[str, int]:
        """The footprint's bytes by name."""
        return parts(self.footprint)


class Predictor:
    """Predictions for one model in one configuration, for any context length."""

    def __init__(
        self,
        header: Header | Sequence[Header],
        *,
        kv_type: str = "f16",
        mmap: bool = True,
        machine: Kernels | None = None,
        entries: Sequence[Measurement] | None = None,
    ) -> None:
        """entries: what is known, by default all that was measured here."""
        self.headers = [header] if isinstance(header, Header) else list(header)
        self._kv_type, self._mmap, self._machine = kv_type, mmap, machine
        mine = [m for m in (known() if entries is None else entries) if m.build == build()]
        model = identity(self.headers)
        self._exact = {m.n_ctx: m for m in mine if m.key == (model, m.n_ctx, kv_type, mmap)}
        told = [m for m in mine if m.full]
        self._offset = _offset([m for m in told if m.identity == model] or told)
        arch = self.headers[0].architecture
        self._factor = _factor([m for m in mine if m.architecture == arch and m.kv_type == kv_type])
        self._corrected = bool(told) or self._factor != 1.0

    def at(self, n_ctx: int) -> Prediction:
        """For a context of n_ctx tokens. Raises UsageError for an unknown type of KV cache."""
        plain = estimate(self.headers, n_ctx, kv_type=self._kv_type, mmap=self._mmap, machine=self._machine)
        same = self._exact.get(n_ctx)
        if same and same.full and abs(same.full - plain.total) <= BELIEVED * plain.total:
            rest = same.full - sum(same.buffers.values())
            return Prediction(Footprint(**same.buffers, base=max(0, rest)), plain, "measured")
        if not self._corrected:
            return Prediction(plain, plain, "estimated")
        buffer = graph(self.headers[0], n_ctx, N_BATCH, quantized=is_quantized(self._kv_type))
        scaled = round((self._factor - 1) * buffer)
        corrected = replace(plain, compute=plain.compute + scaled, base=max(0, plain.base + self._offset))
        return Prediction(corrected, plain, "corrected")

    def needs(self, n_ctx: int) -> int:
        """Bytes in total."""
        return self.at(n_ctx).footprint.total


def _offset(entries: Sequence[Measurement]) -> int:
    """How much more the base took than predicted, with all that llama.cpp tells taken as it was."""
    seen = [_base_difference(m) for m in entries]
    return int(median(max(-LARGEST_OFFSET, min(LARGEST_OFFSET, d)) for d in seen)) if seen else 0


def _base_difference(entry: Measurement) -> int:
    work = entry.predicted["compute"] - entry.graph
    return entry.full - sum(entry.buffers.values()) - work - entry.predicted["base"]


def _factor(entries: Sequence[Measurement]) -> float:
    seen = [m.buffers["compute"] / m.graph for m in entries if m.graph]
    return max(SMALLEST_FACTOR, min(LARGEST_FACTOR, median(seen))) if seen else 1.0


def median(values: Iterable[float]) -> float:
    """The upper one of two; `statistics` would cost every engine 2 MiB."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def parts(footprint: Footprint) -> dict[str, int]:
    """By name, as they are kept and sent."""
    return asdict(footprint)
