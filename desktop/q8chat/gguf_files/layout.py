"""How a GGUF file looks before it is written, so that its exact size is known."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from q8chat.gguf_files.header import MAGIC
from q8chat.gguf_files.metadata import Metadata, pack_text
from q8chat.gguf_files.source import TensorSpec

VERSION = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """`header` is everything up to the first tensor; `starts` has one position in the file more than `tensors`.

    The last one is the file's size: every tensor is padded to where the next one starts.
    """

    header: bytes
    tensors: tuple[TensorSpec, ...]
    starts: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.starts[-1]


def layout(metadata: Metadata, tensors: Sequence[TensorSpec], *, keep_ones: bool = False) -> Layout:
    """A file with these keys and tensors, byte for byte as llama.cpp lays it out.

    `keep_ones`: as its Python converter does, which also writes dimensions of one at a shape's end.
    """
    align = metadata.alignment
    described, starts = [], [0]
    for t in tensors:
        dims = t.shape if keep_ones else t.dims
        described.append(
            pack_text(t.name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, t.type_id, starts[-1])
        )
        starts.append(starts[-1] + _padded(t.n_bytes, align))
    begin = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    head = begin + b"".join(e.packed() for e in metadata) + b"".join(described)
    head += bytes(_padded(len(head), align) - len(head))
    return Layout(head, tuple(tensors), tuple(len(head) + s for s in starts))


def _padded(n: int, align: int) -> int:
    return -(-n // align) * align
