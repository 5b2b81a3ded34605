"""Which type each tensor gets: the asked one, except where the runtime needs more. Facts: `prepare_tensors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
from gguf import MODEL_TENSOR, GGMLQuantizationType, LlamaFileType

from q8chat.convert.rows import Rows
from q8chat.core.errors import UsageError

if TYPE_CHECKING:
    from q8chat.convert.checkpoint import Checkpoint
    from q8chat.convert.family import Family

AUTO = "auto"
FILE_TYPES = {
    "f32": LlamaFileType.ALL_F32,
    "f16": LlamaFileType.MOSTLY_F16,
    "bf16": LlamaFileType.MOSTLY_BF16,
    "q8_0": LlamaFileType.MOSTLY_Q8_0,
}
TENSOR_TYPES = {
    LlamaFileType.ALL_F32: GGMLQuantizationType.F32,
    LlamaFileType.MOSTLY_F16: GGMLQuantizationType.F16,
    LlamaFileType.MOSTLY_BF16: GGMLQuantizationType.BF16,
    LlamaFileType.MOSTLY_Q8_0: GGMLQuantizationType.Q8_0,
}
# Small and delicate: routers, learned positions.
ALWAYS_F32 = (
    MODEL_TENSOR.FFN_GATE_INP,
    MODEL_TENSOR.FFN_GATE_INP_SHEXP,
    MODEL_TENSOR.POS_EMBD,
    MODEL_TENSOR.TOKEN_TYPES,
)


def file_type(out_type: str, checkpoint: Checkpoint) -> LlamaFileType:
    """The file type of a name as the user gives it; "auto" follows the first matrix. Raises UsageError."""
    if out_type == AUTO:
        wide = (e.dtype for e in checkpoint.entries.values() if len(e.shape) >= 2)
        first = next((dtype for dtype in wide if dtype in ("BF16", "F16")), "F16")
        return FILE_TYPES[first.lower()]
    if out_type not in FILE_TYPES:
        known = ", ".join([*FILE_TYPES, AUTO])
        raise UsageError(f"Checkpoints can't be converted to {out_type!r} directly.", f"Choose one of {known}.")
    return FILE_TYPES[out_type]


def tensor_type(family: Family, name: str, new_name: str, block: int | None, rows: Rows) -> GGMLQuantizationType:
    """`name`: in the checkpoint, `new_name`: in the GGUF."""
    n_dims = len(rows.shape)
    if n_dims <= 1 or new_name.endswith("_norm.weight"):
        return GGMLQuantizationType.F32
    chosen = family.type_of(name, new_name, block, n_dims)
    if chosen is None:
        always = any(family.names.is_a(new_name, kind, block) for kind in ALWAYS_F32)
        if always or not new_name.endswith(".weight"):
            return GGMLQuantizationType.F32
        chosen = TENSOR_TYPES[family.file_type]
    block_size, _ = gguf.GGML_QUANT_SIZES[chosen]
    return chosen if rows.shape[-1] % block_size == 0 else GGMLQuantizationType.F16
