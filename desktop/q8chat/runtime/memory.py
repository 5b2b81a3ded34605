"""Does it fit? The context a model gets, from the estimate and from what is there."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from q8chat.core.errors import NotEnoughMemoryError
from q8chat.core.units import count, size
from q8chat.gguf_files.header import Header
from q8chat.hardware.memory import read_memory
from q8chat.runtime.footprint import estimate, largest_context

DEFAULT_CTX = 8192  # tokens; longer ones cost memory that most chats never use
SMALLEST_CTX = 512


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


def choose_context(
    header: Header | Sequence[Header], wanted: int, *, kv_type: str = "f16", mmap: bool = True
) -> int:
    """Context length in tokens: `wanted`, or with 0 the model's own up to DEFAULT_CTX, as far as memory allows.

    header: of the file, or of all its shards. Raises NotEnoughMemoryError, naming what is needed and what is there.
    """
    headers = [header] if isinstance(header, Header) else list(header)
    trained = headers[0].integer("context_length") or DEFAULT_CTX
    available = read_memory().available
    if wanted:
        need = estimate(headers, wanted, kv_type=kv_type, mmap=mmap).total
        if need <= available:
            return wanted
        least = wanted
    else:
        longest = min(trained, DEFAULT_CTX)
        n_ctx = largest_context(headers, available, kv_type=kv_type, mmap=mmap, limit=longest)
        least = min(SMALLEST_CTX, trained)
        if n_ctx >= least:
            return n_ctx
        need = estimate(headers, least, kv_type=kv_type, mmap=mmap).total
    raise NotEnoughMemoryError(
        f"{headers[0].path.name} needs {size(need)} of memory with a context of {count(least)} tokens;"
        f" {size(available)} are available.",
        "Close other programs, or choose a smaller model or a lower quantization level.",
    )
