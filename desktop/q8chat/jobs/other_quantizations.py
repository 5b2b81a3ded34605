"""From the header of a model in one quantization to what its others must look like.

The shapes are the same, and which type each tensor gets follows from the label as `quantize` knows it. So the
header of one file tells of all the files of a repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.header import Header, Tensor
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import FLOATS, TYPE_IDS, ftype
from q8chat.quantize.mix import Mix
from q8chat.quantize.model_facts import model_facts
from q8chat.quantize.tensor_rules import Role, file_order, fitting, may_be_quantized, role

ALIGNMENT = 32  # bytes; GGUF's default
# Mixes of some publishers are variations of one of llama.cpp's.
_ENDINGS = ("_XXL", "_XL", "_L", "_P", "_M")


def in_other_quantization(headers: Sequence[Header], label: str, size: int) -> Header | None:
    """All shards as one header with the types of `label`; None if the label or the model does not allow it.

    `size`: bytes of the real files, for `Header.file_size`; how far the weights differ from it shows how good the
    guess is.
    """
    name = base_mix(label)
    if not name or any(t.type_id not in TYPES for h in headers for t in h.tensors):
        return None
    tensors = sorted((t for h in headers for t in h.tensors), key=lambda t: file_order(t.name))
    try:
        kinds = _types(headers[0], tensors, name)
    except QuantizeError:
        return None
    made, offset = [], 0
    for tensor, kind in zip(tensors, kinds, strict=True):
        changed = replace(tensor, type_id=kind, offset=offset)
        made.append(changed)
        offset += -(-changed.n_bytes // ALIGNMENT) * ALIGNMENT
    return replace(headers[0], tensors=tuple(made), file_size=size)


def base_mix(label: str) -> str:
    """llama.cpp's name for the mix closest to a label: "UD-Q4_K_XL" is Q4_K_M; "" if there is none."""
    name = label.upper().removeprefix("UD-")
    stem = next((name.removesuffix(end) for end in _ENDINGS if name.endswith(end)), name)
    tries = (name, f"{stem}_M", stem)
    for one in tries:
        try:
            return ftype(one).name
        except QuantizeError:
            continue
    return ""


def _types(first: Header, tensors: Sequence[Tensor], name: str) -> list[int]:
    """Type ids in the order of `tensors`. Raises QuantizeError."""
    wanted = ftype(name)
    roles = [role(t.name) for t in tensors]
    facts = model_facts(first.metadata)
    mix = Mix(wanted, facts, roles.count(Role.ATTENTION_V), tied=Role.OUTPUT not in roles, imatrix=True)
    kinds = []
    for tensor, part in zip(tensors, roles, strict=True):
        spec = TensorSpec(tensor.name, tensor.shape, tensor.type_id)
        if not may_be_quantized(spec, facts.architecture, leave_output=False):
            kinds.append(tensor.type_id)
        elif wanted.base in FLOATS:
            kinds.append(TYPE_IDS[wanted.base])
        else:
            kinds.append(TYPE_IDS[fitting(spec, mix.choose(spec, part))])
    return kinds
