"""What the window asks about the memory of models on this machine, as calls of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from q8chat.core.errors import ModelFileError
from q8chat.core.progress import Cancel
from q8chat.gguf_files.header import Header, read_header
from q8chat.hardware.memory import read_memory
from q8chat.runtime.kernels import kernel_report, summary, this_machine
from q8chat.runtime.measured import build, measurements
from q8chat.runtime.measured_prediction import Predictor, parts


class Wanted(msgspec.Struct, frozen=True):
    """A model by its files, the one to load first, and a context length in tokens."""

    files: tuple[str, ...]
    n_ctx: int

    @property
    def path(self) -> str:
        """The file to load."""
        return self.files[0]


class Needs(msgspec.Struct, frozen=True):
    """Bytes in all by path (0: it can't be told), and what is available now."""

    total: dict[str, int]
    available: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen when the model was loaded with this context. Bytes.

    predicted: by part, before that load. parts: as llama.cpp allocated them, `base` being the rest. full: whether
    a long prompt has shown what the full context takes; otherwise it is the state right after loading.
    """

    predicted: dict[str, int]
    parts: dict[str, int]
    date: str
    full: bool


class MemoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """`parts`: bytes by the names of Footprint's fields. `kernels`: a line on what multiplies the weights here.

    `corrected`: whether the prediction uses what other loads on this machine have shown.
    """

    path: str
    n_ctx: int
    parts: dict[str, int]
    available: int
    kernels: str
    corrected: bool = False
    measured: Measured | None = None


def needs(wanted: Sequence[Wanted], cancel: Cancel) -> Needs:
    """The memory of several models."""
    total = {}
    for one in wanted:
        cancel.check()
        total[one.path] = 0
        with suppress(ModelFileError):  # it was said in the scan, or it is gone since
            total[one.path] = Predictor(_headers(one)).needs(one.n_ctx)
    return Needs(total, read_memory().available)


def report(wanted: Wanted) -> MemoryReport:
    """The memory of one model by part. Raises ModelFileError."""
    headers = _headers(wanted)
    prediction = Predictor(headers).at(wanted.n_ctx)
    return MemoryReport(
        path=wanted.path,
        n_ctx=wanted.n_ctx,
        parts=parts(prediction.footprint),
        available=read_memory().available,
        kernels=summary(kernel_report(headers, this_machine())),
        corrected=prediction.source != "estimated",
        measured=_measured(headers, wanted.n_ctx),
    )


def _measured(headers: Sequence[Header], n_ctx: int) -> Measured | None:
    """Of the newest load with this context that went as a chat does it: mapped, with a cache of f16."""
    usual = (n_ctx, "f16", True, build())
    seen = (m for m in measurements(headers) if (m.n_ctx, m.kv_type, m.mmap, m.build) == usual)
    entry = next(seen, None)
    if entry is None:
        return None
    total = entry.full or entry.loaded
    rest = max(0, total - sum(entry.buffers.values()))
    return Measured(
        predicted=entry.predicted, parts={**entry.buffers, "base": rest}, date=entry.date, full=bool(entry.full)
    )


def _headers(wanted: Wanted) -> list[Header]:
    return [read_header(Path(file)) for file in wanted.files]
