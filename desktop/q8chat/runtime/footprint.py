"""How much memory a model will take in our engine, from its header alone: the parts, the sum and the verdict.

The parts follow llama.cpp's own buffers (llama-model.cpp, llama-kv-cache*.cpp, llama-memory-recurrent.cpp,
llama-context.cpp). What is predicted is the resident memory of the engine when the context has been used: the whole
KV cache is written at the start, compute buffers fill up with the first long prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

from q8chat.core.errors import UsageError
from q8chat.gguf_files.header import Header
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime.footprint_base import base, vocabulary
from q8chat.runtime.footprint_cache import CELLS, cached
from q8chat.runtime.footprint_compute import F32, graph, work
from q8chat.runtime.footprint_weights import weights
from q8chat.runtime.kernels import Kernels, this_machine

Verdict = Literal["fits", "tight", "too big"]

# llama.cpp's type ids of what the KV cache can be made of here, by the name a user gives.
KV_TYPES: dict[str, int] = {"f16": 1, "q8_0": 8, "q4_0": 2}
N_BATCH = 512  # tokens per evaluation; llama.cpp's own micro-batch, more only delays the reaction to Stop
TIGHT_SHARE = 0.85  # of the available memory: above it other programs will feel the model


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the engine process.

    weights_mapped: pages of the file, which the system may drop and read again when memory is short.
    weights_private: weights read into memory (without mmap). repacked: copies in the order the CPU's kernels want
    (CPU_REPACK, AMX). kv, recurrent: the state of the conversation at the full context. compute: scratch of a
    micro-batch. outputs: the logits of one row. base: Python, llama.cpp and the vocabulary.
    """

    weights_mapped: int = 0
    weights_private: int = 0
    repacked: int = 0
    kv: int = 0
    recurrent: int = 0
    compute: int = 0
    outputs: int = 0
    base: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(asdict(self).values())


def is_quantized(kv_type: str) -> bool:
    """Whether a KV cache of this type has blocks of weights."""
    return kv_type != "f16"


def verdict(footprint: Footprint | int, available: int) -> Verdict:
    """Whether it can be loaded when `available` bytes are free (see `hardware.memory.read_memory`).

    "fits": at most 85 % of what is available. "tight": up to all of it. "too big": more than there is.
    """
    total = footprint if isinstance(footprint, int) else footprint.total
    if total > available:
        return "too big"
    return "fits" if total <= TIGHT_SHARE * available else "tight"


def estimate(
    header: Header | Sequence[Header],
    n_ctx: int,
    *,
    kv_type: str = "f16",
    mmap: bool = True,
    n_ubatch: int = N_BATCH,
    threads: int = 0,
    repack: bool = True,
    machine: Kernels | None = None,
) -> Footprint:
    """What a model (one header, or those of all its shards) takes with a context of `n_ctx` tokens.

    threads: 0 for as many as the engine uses by itself. machine: whose kernels count, this one's by default (that
    loads llama.cpp's library). Raises UsageError for an unknown `kv_type`.
    """
    if kv_type not in KV_TYPES:
        raise UsageError(f"There is no KV cache type {kv_type!r}.", f"There are: {', '.join(KV_TYPES)}.")
    headers = [header] if isinstance(header, Header) else list(header)
    first = headers[0]
    where = weights(headers, mmap=mmap, machine=(machine or this_machine()) if repack else None)
    kept = cached(first, n_ctx, KV_TYPES[kv_type])
    scratch = graph(first, n_ctx, n_ubatch, quantized=is_quantized(kv_type))
    return Footprint(
        weights_mapped=where.mapped,
        weights_private=where.private,
        repacked=where.repacked,
        kv=kept.kv,
        recurrent=kept.recurrent,
        compute=scratch + work(headers, min(n_ubatch, n_ctx), threads or _threads()),
        outputs=F32 * vocabulary(first),
        base=base(headers, n_ctx),
    )


@cache
def _threads() -> int:
    return default_threads(read_topology())


def largest_context(available: int, limit: int, needs: Callable[[int], int]) -> int:
    """The longest context in tokens, at most `limit`, for which `needs` tells at most `available` bytes.

    A multiple of 256 or the limit itself; 0 if there is none.
    """
    if needs(limit) <= available:
        return limit
    low, high = 0, -(-limit // CELLS)  # in multiples of CELLS; low fits (or is nothing), high does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if needs(middle * CELLS) <= available else (low, middle)
    return low * CELLS
