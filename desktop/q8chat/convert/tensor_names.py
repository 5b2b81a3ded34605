"""From a checkpoint's tensor names to llama.cpp's, by gguf's own map."""

from __future__ import annotations

import gguf

from q8chat.core.errors import CheckpointError

SUFFIXES = (".weight", ".bias")
ARCHES = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}


def block_of(name: str) -> int | None:
    """The first whole number among the dotted parts of a name: the layer."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), None)


class TensorNames:
    """The names of one architecture with so many blocks."""

    def __init__(self, arch: str, n_blocks: int) -> None:
        self.arch = ARCHES[arch]
        self._map = gguf.get_tensor_name_map(self.arch, n_blocks)

    def map(self, name: str) -> str:
        """Raises CheckpointError for a name the architecture does not have."""
        if (new := self._map.get_name(key=name, try_suffixes=SUFFIXES)) is None:
            raise CheckpointError(
                f"Tensor {name} has no place in a {gguf.MODEL_ARCH_NAMES[self.arch]} model.",
                "Weights and config.json do not belong together, or the model is a variant that is not supported.",
            )
        return new

    def format(self, tensor: gguf.MODEL_TENSOR, block: int | None = None, suffix: str = ".weight") -> str:
        """llama.cpp's name of a kind of tensor."""
        return gguf.TENSOR_NAMES[tensor].format(bid=block) + suffix

    def is_a(self, new_name: str, tensor: gguf.MODEL_TENSOR, block: int | None) -> bool:
        """Whether a GGUF name is the weight of this kind; a kind the architecture lacks never is."""
        if tensor not in gguf.MODEL_TENSORS[self.arch]:
            return False
        if ("{bid}" in gguf.TENSOR_NAMES[tensor]) != (block is not None):
            return False
        return new_name == self.format(tensor, block)
