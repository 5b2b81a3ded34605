"""Where a model's weights end up: mapped from the file, read into memory, copied into another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from q8chat.gguf_files.header import Header, Tensor
from q8chat.gguf_files.types import TYPES
from q8chat.runtime.kernels import AMX, Kernels, placement
from q8chat.runtime.kernels_tensors import TOKENS, is_multiplied, is_tied, sides

# Bytes that the AMX layout adds per block of 32 (Q8_0) or 256 weights (ggml-cpu's amx/mmq.cpp, get_row_size).
_AMX_EXTRA = {"Q8_0": 4, "Q4_K": 4, "Q5_K": 4, "IQ4_XS": 2}


class Weights(NamedTuple):
    """Bytes."""

    mapped: int
    private: int
    repacked: int


def weights(headers: Sequence[Header], *, mmap: bool, machine: Kernels | None) -> Weights:
    """All shards together. machine None: nothing is repacked.

    A file is mapped as a whole and then cut down to the stretch from the first to the last tensor that is used in
    place (llama_model_loader::load_all_data), so the originals of repacked tensors in between stay.
    """
    tied = is_tied([t for h in headers for t in h.tensors])
    mapped = private = repacked = 0
    for header in headers:
        in_place: list[Tensor] = []
        for tensor in header.tensors:
            also_output = tensor.name == TOKENS and tied and len(sides(tensor)) == 2
            where = placement(tensor, machine) if machine and (is_multiplied(tensor) or also_output) else ""
            if where:
                repacked += _copied(tensor, where)
            if not where or also_output:
                in_place.append(tensor)
        private += sum(t.n_bytes for t in in_place)
        if in_place:
            mapped += max(t.offset + t.n_bytes for t in in_place) - min(t.offset for t in in_place)
    return Weights(mapped, 0, repacked) if mmap else Weights(0, private, repacked)


def _copied(tensor: Tensor, where: str) -> int:
    kind = TYPES[tensor.type_id]
    blocks = tensor.n_bytes // kind.n_bytes
    return tensor.n_bytes + (blocks * _AMX_EXTRA.get(kind.name, 0) if where == AMX else 0)
