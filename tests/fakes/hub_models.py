"""Models for the fake hub that look like real ones: true headers of any size, with weights nobody has."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter

from q8chat.gguf_files.header import Header, Tensor, parse_header
from q8chat.gguf_files.types import TYPES
from q8chat.jobs.other_quantizations import in_other_quantization
from tests.fakes.hub_contents import Content


class HollowContent(Content):
    """A header, and zeros after it. Its checksum is not true: it can be looked at, not fetched."""

    def __init__(self, header: bytes, size: int) -> None:
        self.header, self.size = header, size
        self.__dict__["sha256"] = hashlib.sha256(header).hexdigest()
        self.__dict__["git_sha1"] = hashlib.sha1(header).hexdigest()

    def read(self, offset: int, n: int) -> bytes:
        end = min(offset + n, self.size)
        piece = self.header[offset:end]
        return piece + bytes(end - offset - len(piece))


@dataclass(frozen=True)
class Shape:
    """Of a Llama: layers, width, width of the feed-forward part, heads, key-value heads, vocabulary, context."""

    layers: int
    width: int
    inner: int
    heads: int
    heads_kv: int
    vocabulary: int
    context: int
    architecture: str = "llama"

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes in ggml's order; with tied embeddings."""
        kv = self.width // self.heads * self.heads_kv
        found: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (self.width, self.vocabulary),
            "output_norm.weight": (self.width,),
        }
        for n in range(self.layers):
            block = {
                "attn_norm": (self.width,),
                "ffn_norm": (self.width,),
                "attn_q": (self.width, self.width),
                "attn_k": (self.width, kv),
                "attn_v": (self.width, kv),
                "attn_output": (self.width, self.width),
                "ffn_gate": (self.width, self.inner),
                "ffn_up": (self.width, self.inner),
                "ffn_down": (self.inner, self.width),
            }
            found |= {f"blk.{n}.{name}.weight": shape for name, shape in block.items()}
        return found

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(int(np.prod(shape)) for shape in self.tensors().values())

    def write(self, path: Path, label: str) -> HollowContent:
        """The model in that quantization, as llama-quantize would mix it. `path`: for a passing file."""
        floats = [Tensor(name, shape, 0 if len(shape) == 1 else 1, 0) for name, shape in self.tensors().items()]
        plain = Header(
            path, 3, {f"{self.architecture}.block_count": self.layers} | self._keys(), tuple(floats), 0, 0
        )
        mixed = in_other_quantization([plain], label, 0)
        assert mixed is not None, label
        writer = GGUFWriter(path, self.architecture)
        writer.add_name(path.stem)
        for key, value in self._keys().items():
            if isinstance(value, int):
                writer.add_uint32(key, value)
        writer.add_token_list([f"<{n}>" for n in range(self.vocabulary)])
        for tensor in mixed.tensors:
            kind = GGMLQuantizationType[TYPES[tensor.type_id].name]
            rows = _bytes_shape(tensor)
            writer.add_tensor_info(tensor.name, rows, np.dtype(np.uint8), tensor.n_bytes, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        data = path.read_bytes()
        path.unlink()
        header = parse_header(io.BytesIO(data), path, 1 << 50)
        end = max(header.data_offset + t.offset + t.n_bytes for t in header.tensors)
        return HollowContent(data.ljust(header.data_offset, b"\0"), end)

    def _keys(self) -> dict[str, int | str]:
        name = self.architecture
        return {
            "general.architecture": name,
            f"{name}.context_length": self.context,
            f"{name}.embedding_length": self.width,
            f"{name}.block_count": self.layers,
            f"{name}.feed_forward_length": self.inner,
            f"{name}.attention.head_count": self.heads,
            f"{name}.attention.head_count_kv": self.heads_kv,
        }


def _bytes_shape(tensor: Tensor) -> tuple[int, ...]:
    """As numpy has it: rows first, the last side in bytes."""
    kind = TYPES[tensor.type_id]
    return (*reversed(tensor.shape[1:]), tensor.shape[0] // kind.block * kind.n_bytes)
