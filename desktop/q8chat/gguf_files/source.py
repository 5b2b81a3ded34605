"""What the tensors of a new GGUF file are made from: a GGUF file, or a checkpoint that is being converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from q8chat.gguf_files.metadata import Metadata
from q8chat.gguf_files.types import TYPES


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor's name, shape in ggml's order (the row length first) and type (a key of `TYPES`)."""

    name: str
    shape: tuple[int, ...]
    type_id: int

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape without trailing ones, as ggml counts dimensions and writes them."""
        n = len(self.shape)
        while n > 1 and self.shape[n - 1] == 1:
            n -= 1
        return self.shape[:n]

    @property
    def row_length(self) -> int:
        """Weights in a row."""
        return self.shape[0] if self.shape else 1

    @property
    def n_rows(self) -> int:
        """Rows of all matrices together."""
        return prod(self.shape[1:])

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, which is always a whole number of blocks."""
        kind = TYPES[self.type_id]
        return self.row_length // kind.block * kind.n_bytes

    @property
    def n_bytes(self) -> int:
        """Bytes of the whole tensor, without padding."""
        return self.row_bytes * self.n_rows


class TensorSource(Protocol):
    """Tensors that can be read row by row, and the metadata that goes with them.

    The quantizer reads every tensor once, in the order of ITS result (layer by layer, names sorted), in blocks of
    rows that mostly ascend but come from several threads at once: `read` must be thread-safe. Nobody asks for more
    than some megabytes at a time, so memory stays bounded if `read` does not need more itself.

    A converter's source gives each tensor in the type the intermediate file would have had (F16 or BF16, F32 for
    norms), rounded exactly as that file; then one pass gives the same bytes as two.
    """

    @property
    def name(self) -> str:
        """What to call it in messages: a file's or folder's name."""

    @property
    def identity(self) -> str:
        """Changes when the content does (paths, sizes, times); a job only continues what has the same identity."""

    @property
    def metadata(self) -> Metadata:
        """The keys the result begins with, in their order: architecture, the model's figures, the tokenizer."""

    @property
    def tensors(self) -> Sequence[TensorSpec]:
        """All tensors, in the order of the file they come from."""

    def read(self, index: int, first_row: int, n_rows: int, into: memoryview) -> None:
        """Fill `into` (n_rows * row_bytes bytes) with rows of tensor `index`, in its type.

        Raises ModelFileError or CheckpointError, naming file and tensor, when they can't be read.
        """

    def check_unchanged(self) -> None:
        """Raise ModelFileError or CheckpointError if what is read from changed since it was opened."""

    def close(self) -> None:
        """Let go of files."""
