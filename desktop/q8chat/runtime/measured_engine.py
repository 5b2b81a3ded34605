"""Measures the engine it runs in: what a load allocated, and what answers show about the full context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import psutil

from q8chat.gguf_files.header import Header
from q8chat.runtime import measured
from q8chat.runtime.footprint import N_BATCH, Footprint, is_quantized
from q8chat.runtime.footprint_base import PER_CELL
from q8chat.runtime.footprint_compute import graph, masks
from q8chat.runtime.measured import Measurement
from q8chat.runtime.measured_prediction import Prediction, Predictor, parts

ENOUGH = 0.75  # of a micro-batch must have been evaluated at once for the scratch memory to be known
WORTH_WRITING = 0.005  # a change of the known peak
PRESENT = 0.98  # of the mapped weights must be in memory, or the system has dropped some

# The kinds of buffers in llama.cpp's log -> the part of a Footprint; other names of a "model" buffer are repacked.
_PARTS = {
    "CPU_Mapped model": "weights_mapped",
    "CPU model": "weights_private",
    "CPU KV": "kv",
    "CPU RS": "recurrent",
    "CPU compute": "compute",
    "CPU output": "outputs",
}


def by_part(buffers: Iterable[tuple[str, int]]) -> dict[str, int]:
    """llama.cpp's buffers as parts of a Footprint, all of them, without base."""
    found = {name: 0 for name in parts(Footprint()) if name != "base"}
    for name, n_bytes in buffers:
        if part := _PARTS.get(name, "repacked" if name.endswith(" model") else ""):
            found[part] += n_bytes
    return found


class Meter:
    """Belongs to one loaded model."""

    def __init__(self, headers: Sequence[Header], n_ctx: int, kv_type: str, mmap: bool) -> None:
        """Make it before loading, so that the prediction is one."""
        self._headers, self._n_ctx = headers, n_ctx
        self._n = min(N_BATCH, n_ctx)
        self.prediction: Prediction = Predictor(headers, kv_type=kv_type, mmap=mmap).at(n_ctx)
        self._entry = Measurement(
            identity=measured.identity(headers),
            n_ctx=n_ctx,
            kv_type=kv_type,
            mmap=mmap,
            architecture=headers[0].architecture,
            file=headers[0].path.name,
            build=measured.build(),
            date=measured.now(),
            predicted=parts(self.prediction.estimate),
            graph=graph(headers[0], n_ctx, N_BATCH, quantized=is_quantized(kv_type)),
            buffers={},
            loaded=0,
        )

    @property
    def buffers(self) -> dict[str, int]:
        """What llama.cpp allocated, by part."""
        return self._entry.buffers

    def loaded(self, buffers: Iterable[tuple[str, int]]) -> None:
        """The model and its context are there; keeps what they take."""
        resident = int(psutil.Process().memory_info().rss)
        self._entry = msgspec.structs.replace(self._entry, buffers=by_part(buffers), loaded=resident)
        measured.record(self._entry)

    def answered(self, used: int, widest: int, copies: int) -> None:
        """An answer is done; keeps what it showed about a full context.

        used: most tokens in the cache so far. widest: most evaluated at once. copies: bytes of other conversations'
        states that are kept aside.
        """
        memory = psutil.Process().memory_info()
        peak = int(memory.rss) - copies
        mapped = self._entry.buffers["weights_mapped"]
        if widest < ENOUGH * self._n or getattr(memory, "shared", mapped) < PRESENT * mapped:
            return
        full = min(peak + self._unseen(used, widest), max(peak, self._most()))
        if abs(full - self._entry.full) > WORTH_WRITING * full:
            self._entry = msgspec.structs.replace(self._entry, peak=peak, used=used, full=full, date=measured.now())
            measured.record(self._entry)

    def _most(self) -> int:
        """Bytes when all that was allocated has been touched: short prompts use other parts than long ones."""
        work = self._entry.predicted["compute"] - self._entry.graph
        return self._entry.loaded + self._entry.buffers["compute"] + work + PER_CELL * self._n_ctx

    def _unseen(self, used: int, widest: int) -> int:
        """Bytes of scratch and bookkeeping that a full context would have touched beyond this one."""
        unseen_tokens = max(0, self._n_ctx - used)
        mask = masks(self._headers[0], self._n_ctx, self._n)
        scratch = max(0, self._entry.buffers["compute"] - mask)
        return (
            scratch * max(0, self._n - widest) // self._n
            + mask * unseen_tokens // self._n_ctx
            + PER_CELL * unseen_tokens
        )
