"""Does it fit? The context a model gets, and all one wants to know before getting or loading it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from q8chat.core.errors import NotEnoughMemoryError
from q8chat.core.units import count, size
from q8chat.gguf_files import naming
from q8chat.gguf_files.header import Header, read_header
from q8chat.hardware.memory import read_memory
from q8chat.runtime.footprint import Verdict, largest_context, verdict
from q8chat.runtime.kernels import KernelShare, kernel_report, summary, this_machine
from q8chat.runtime.measured_prediction import Prediction, Predictor

DEFAULT_CTX = 8192  # tokens; longer ones cost memory that most chats never use
SMALLEST_CTX = 512


@dataclass(frozen=True, slots=True)
class Fit:
    """A model on this machine. largest: the longest context that fits, in tokens, 0 if not even the shortest does;
    trained: the one the model was made for. available: bytes that are free now."""

    n_ctx: int
    kv_type: str
    mmap: bool
    prediction: Prediction
    verdict: Verdict
    available: int
    largest: int
    trained: int
    kernels: tuple[KernelShare, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        shown = asdict(self)
        shown["prediction"]["total"] = self.prediction.footprint.total
        return {**shown, "kernel_summary": summary(self.kernels)}


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


def read_headers(path: Path) -> tuple[Header, ...]:
    """The header of a model, or of all its shards from the first on. Raises ModelFileError."""
    part = naming.shard(path.name)
    if part is None:
        return (read_header(path),)
    names = (naming.shard_name(part.base, n, part.total) for n in range(1, part.total + 1))
    return tuple(read_header(path.with_name(name)) for name in names)


def usual_context(headers: Sequence[Header]) -> int:
    """The context length a model gets unasked where memory allows it, in tokens."""
    return min(_trained(headers), DEFAULT_CTX)


def choose_context(
    header: Header | Sequence[Header], wanted: int, *, kv_type: str = "f16", mmap: bool = True
) -> int:
    """Context length in tokens: `wanted`, or with 0 the model's own up to DEFAULT_CTX, as far as memory allows.

    header: of the file, or of all its shards. Raises NotEnoughMemoryError, naming what is needed and what is there.
    """
    headers = [header] if isinstance(header, Header) else list(header)
    predictor = Predictor(headers, kv_type=kv_type, mmap=mmap)
    available = read_memory().available
    least = wanted or min(SMALLEST_CTX, _trained(headers))
    longest = wanted or usual_context(headers)
    n_ctx = largest_context(available, longest, predictor.needs)
    if n_ctx >= least:
        return n_ctx
    raise NotEnoughMemoryError(
        f"{headers[0].path.name} needs {size(predictor.needs(least))} of memory with a context of"
        f" {count(least)} tokens; {size(available)} are available.",
        "Close other programs, or choose a smaller model or a lower quantization level.",
    )


def fit(header: Header | Sequence[Header], n_ctx: int = 0, *, kv_type: str = "f16", mmap: bool = True) -> Fit:
    """What a model takes here; n_ctx 0: the context it gets unasked. Raises UsageError for an unknown kv_type."""
    headers = [header] if isinstance(header, Header) else list(header)
    predictor = Predictor(headers, kv_type=kv_type, mmap=mmap)
    n_ctx = n_ctx or usual_context(headers)
    available = read_memory().available
    prediction = predictor.at(n_ctx)
    return Fit(
        n_ctx=n_ctx,
        kv_type=kv_type,
        mmap=mmap,
        prediction=prediction,
        verdict=verdict(prediction.footprint, available),
        available=available,
        largest=largest_context(available, _trained(headers), predictor.needs),
        trained=_trained(headers),
        kernels=kernel_report(headers, this_machine()),
    )


def _trained(headers: Sequence[Header]) -> int:
    return headers[0].integer("context_length") or DEFAULT_CTX
