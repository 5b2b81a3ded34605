"""Models with the shapes of well-known ones and no weights: a header, then a hole as large as the data would be.

They look like the real thing to everything that reads headers, and take no room on the disk.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from q8chat.gguf_files.types import TYPES
from tests.unit.gguf_files import small_gguf as gguf

Q4_K, Q5_K, Q6_K, Q8_0, F32 = 12, 13, 14, 8, 0
FILE_TYPES = {Q4_K: 15, Q5_K: 17, Q6_K: 18, Q8_0: 7}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the configuration of a model says."""

    name: str
    architecture: str
    licence: str
    context: int
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    head: int = 128


QWEN_SMALL = Shape("Qwen3 0.6B", "qwen3", "apache-2.0", 40960, 28, 1024, 3072, 16, 8, 151936)
QWEN = Shape("Qwen3 8B", "qwen3", "apache-2.0", 40960, 36, 4096, 12288, 32, 8, 151936)
MISTRAL = Shape("Mistral Small 24B", "llama", "apache-2.0", 32768, 40, 5120, 32768, 32, 8, 131072)
LLAMA = Shape("Llama 3.3 70B", "llama", "llama3.3", 131072, 80, 8192, 28672, 64, 8, 128256)


def write_sparse(path: Path, shape: Shape, type_id: int) -> Path:
    """A file of this shape with its matrices in one type, embeddings in Q6_K, norms in F32."""
    tensors, offset = [], 0
    for name, sides, kind in _tensors(shape, type_id):
        tensors.append(gguf.tensor(name, sides, kind, offset))
        n = sides[0] * (sides[1] if len(sides) > 1 else 1)
        offset += -(-n // TYPES[kind].block * TYPES[kind].n_bytes // 32) * 32
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as f:
        f.write(gguf.gguf(_keys(shape, type_id), tensors, data=0))
        f.truncate(f.tell() + offset)
    return path


def _keys(shape: Shape, type_id: int) -> list[bytes]:
    def text(key: str, value: str) -> bytes:
        return gguf.key(key, 8, gguf.text(value))

    def number(key: str, value: int) -> bytes:
        return gguf.key(key, 4, struct.pack("<I", value))

    a = shape.architecture
    return [
        text("general.architecture", a),
        text("general.name", shape.name),
        text("general.license", shape.licence),
        number("general.file_type", FILE_TYPES[type_id]),
        number(f"{a}.context_length", shape.context),
        number(f"{a}.block_count", shape.layers),
        number(f"{a}.embedding_length", shape.width),
        number(f"{a}.feed_forward_length", shape.feed_forward),
        number(f"{a}.attention.head_count", shape.heads),
        number(f"{a}.attention.head_count_kv", shape.kv_heads),
        number(f"{a}.attention.key_length", shape.head),
        number(f"{a}.attention.value_length", shape.head),
        text("tokenizer.ggml.model", "gpt2"),
        gguf.key("tokenizer.ggml.tokens", 9, gguf.strings([f"t{n}" for n in range(shape.vocabulary)])),
        text("tokenizer.chat_template", "{% for message in messages %}{{ message.content }}{% endfor %}"),
    ]


def _tensors(shape: Shape, type_id: int) -> list[tuple[str, tuple[int, ...], int]]:
    width, q, kv = shape.width, shape.heads * shape.head, shape.kv_heads * shape.head
    found: list[tuple[str, tuple[int, ...], int]] = [
        ("token_embd.weight", (width, shape.vocabulary), Q6_K),
        ("output_norm.weight", (width,), F32),
        ("output.weight", (width, shape.vocabulary), Q6_K),
    ]
    for layer in range(shape.layers):
        for name, sides in (
            ("attn_q", (width, q)),
            ("attn_k", (width, kv)),
            ("attn_v", (width, kv)),
            ("attn_output", (q, width)),
            ("ffn_gate", (width, shape.feed_forward)),
            ("ffn_up", (width, shape.feed_forward)),
            ("ffn_down", (shape.feed_forward, width)),
        ):
            found.append((f"blk.{layer}.{name}.weight", sides, type_id))
        found += [(f"blk.{layer}.{name}.weight", (width,), F32) for name in ("attn_norm", "ffn_norm")]
    return found
