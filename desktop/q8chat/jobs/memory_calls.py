"""What the window asks about the memory of models on this machine, as calls of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import msgspec

from q8chat.core.errors import ModelFileError
from q8chat.core.progress import Cancel
from q8chat.gguf_files.header import Header, read_header
from q8chat.hardware.memory import read_memory
from q8chat.runtime.footprint import estimate
from q8chat.runtime.kernels import kernel_report, summary, this_machine


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


class MemoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """`parts`: bytes by the names of Footprint's fields. `kernels`: a line on what multiplies the weights here."""

    path: str
    n_ctx: int
    parts: dict[str, int]
    available: int
    kernels: str


def needs(wanted: Sequence[Wanted], cancel: Cancel) -> Needs:
    """The memory of several models."""
    total = {}
    for one in wanted:
        cancel.check()
        total[one.path] = 0
        with suppress(ModelFileError):  # it was said in the scan, or it is gone since
            total[one.path] = estimate(_headers(one), one.n_ctx).total
    return Needs(total, read_memory().available)


def report(wanted: Wanted) -> MemoryReport:
    """The memory of one model by part. Raises ModelFileError."""
    headers = _headers(wanted)
    parts = {name: n for name, n in asdict(estimate(headers, wanted.n_ctx)).items() if n}
    return MemoryReport(
        path=wanted.path,
        n_ctx=wanted.n_ctx,
        parts=parts,
        available=read_memory().available,
        kernels=summary(kernel_report(headers, this_machine())),
    )


def _headers(wanted: Wanted) -> list[Header]:
    return [read_header(Path(file)) for file in wanted.files]
