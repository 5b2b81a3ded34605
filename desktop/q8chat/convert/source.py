"""A checkpoint as a source of GGUF tensors: everything is known before the first weight is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import gguf
import numpy as np

from q8chat.convert import consistency, types
from q8chat.convert import metadata as general
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.encode import ENCODERS, F16, is_finite
from q8chat.convert.family import Family
from q8chat.convert.keys import Keys
from q8chat.convert.rows import Rows
from q8chat.convert.tensor_names import block_of
from q8chat.convert.untrusted import reading
from q8chat.core.errors import CheckpointError
from q8chat.gguf_files.source import TensorSpec

STRIP = 8 << 20  # bytes of weights read at a time


@dataclass(frozen=True)
class Tensor:
    """`origin`: the checkpoint tensor it came from last, for messages."""

    spec: TensorSpec
    rows: Rows
    origin: str


class CheckpointSource:
    """Implements `gguf_files.source.TensorSource`. Safe to read from several threads: files are opened per read."""

    def __init__(self, checkpoint: Checkpoint, family: Family) -> None:
        self.checkpoint, self.family = checkpoint, family
        self._tensors = _name_tensors(family)
        self.tensors: Sequence[TensorSpec] = [t.spec for t in self._tensors]
        keys = _keys(checkpoint, family, self._tensors)
        consistency.check(family, self._tensors, keys)
        self.metadata = keys.metadata
        self.flaws: dict[str, str] = {}  # GGUF name -> what is wrong with the weights read so far, as a sentence

    @property
    def name(self) -> str:
        """The model's name."""
        return self.checkpoint.name

    @property
    def identity(self) -> str:
        """Of the weights' files by path, size and time, of everything else by content."""
        digest = hashlib.sha256(str(self.family.file_type).encode())
        for file, stamp in self.checkpoint.stamps.items():
            digest.update(f"{file.resolve()} {stamp}\n".encode(errors="surrogateescape"))
        for entry in self.metadata:
            digest.update(entry.packed())
        return digest.hexdigest()

    def read(self, index: int, first_row: int, n_rows: int, into: memoryview) -> None:
        """Rows of a tensor in its type. Raises CheckpointError."""
        tensor = self._tensors[index]
        spec, target = tensor.spec, memoryview(into).cast("B")
        # A vector is one row for GGUF and a row per element here.
        per_row = 1 if len(tensor.rows.shape) > 1 else tensor.rows.n_rows
        step = max(1, STRIP // max(1, 4 * spec.row_length))
        for at in range(first_row, first_row + n_rows, step):
            to = min(at + step, first_row + n_rows)
            rows = tensor.rows.read(at * per_row, to * per_row)
            encoded = ENCODERS[spec.type_id](rows.reshape(to - at, spec.row_length))
            if not is_finite(rows, encoded, spec.type_id):
                self._note_flaw(tensor, bool(np.isfinite(rows).all()))
            data = encoded.data.cast("B")
            target[(at - first_row) * spec.row_bytes : (to - first_row) * spec.row_bytes] = data

    def _note_flaw(self, tensor: Tensor, source_is_finite: bool) -> None:
        name = tensor.spec.name
        if source_is_finite and tensor.spec.type_id == F16:
            self.flaws[name] = f"Tensor {name} has values that are too large for F16 and became infinite."
        else:
            self.flaws[name] = f"Tensor {tensor.origin} in {self.checkpoint.path} has weights that are no numbers."

    def check_unchanged(self) -> None:
        """Raises CheckpointError if the weights' files changed."""
        self.checkpoint.check_unchanged()

    def close(self) -> None:
        """Nothing is held open."""


def _name_tensors(family: Family) -> list[Tensor]:
    tensors: dict[str, Tensor] = {}
    for origin, new_name, rows in family.tensors():
        if new_name in tensors:
            raise CheckpointError(
                f"Tensors {tensors[new_name].origin} and {origin} would both become {new_name}.",
                "The checkpoint holds a tensor twice under two names.",
            )
        kind = types.tensor_type(family, origin, new_name, block_of(origin), rows)
        tensors[new_name] = Tensor(TensorSpec(new_name, tuple(reversed(rows.shape)), int(kind)), rows, origin)
    return list(tensors.values())


def _keys(checkpoint: Checkpoint, family: Family, tensors: list[Tensor]) -> Keys:
    keys = Keys(family.arch)
    family.add_first_keys(keys)
    counts = general.parameters((t.spec.name, t.rows.shape) for t in tensors)
    with reading(f"README.md, config.json or generation_config.json in {checkpoint.path}"):
        general.add(keys, checkpoint, counts, family.warnings)
    with reading(str(checkpoint.path / "config.json")):
        family.add_keys(keys)
    keys.add_quantization_version(gguf.GGML_QUANT_VERSION)
    with reading(f"The tokenizer in {checkpoint.path}"):
        family.add_vocabulary(keys)
    return keys
