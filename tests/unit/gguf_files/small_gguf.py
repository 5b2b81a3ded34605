"""Writes small GGUF files byte by byte, after ggml's gguf.md and independent of the code under test."""

from __future__ import annotations

import struct


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def strings(values: list[str]) -> bytes:
    return struct.pack("<IQ", 8, len(values)) + b"".join(text(v) for v in values)


def tensor(name: str, shape: tuple[int, ...], type_id: int, offset: int) -> bytes:
    sides = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sides + struct.pack("<IQ", type_id, offset)


KEYS = [
    key("general.architecture", 8, text("llama")),
    key("general.name", 8, text("Tiny é")),
    key("llama.context_length", 4, struct.pack("<I", 128)),
    key("llama.block_count", 10, struct.pack("<Q", 2)),
    key("llama.embedding_length", 4, struct.pack("<I", 64)),
    key("llama.attention.head_count", 9, struct.pack("<IQ2I", 4, 2, 4, 8)),
    key("llama.rope.freq_base", 6, struct.pack("<f", 10000.0)),
    key("a.u8", 0, b"\x07"),
    key("a.i8", 1, b"\xff"),
    key("a.u16", 2, struct.pack("<H", 65535)),
    key("a.i16", 3, struct.pack("<h", -2)),
    key("a.i32", 5, struct.pack("<i", -3)),
    key("a.bool", 7, b"\x01"),
    key("a.i64", 11, struct.pack("<q", -4)),
    key("a.f64", 12, struct.pack("<d", 0.5)),
    key("tokenizer.ggml.tokens", 9, strings([f"token {n}" for n in range(1100)])),
    key("tokenizer.ggml.scores", 9, struct.pack("<IQ1100f", 6, 1100, *[0.0] * 1100)),
    key("tokenizer.chat_template", 8, text("{{ messages }}")),
]
TENSORS = [tensor("token_embd.weight", (64, 10), 0, 0), tensor("output.weight", (64, 3), 2, 2560)]
DATA_BYTES = 2560 + 3 * 2 * 18


def gguf(
    keys: list[bytes] | None = None,
    tensors: list[bytes] | None = None,
    *,
    n_keys: int | None = None,
    n_tensors: int | None = None,
    version: int = 3,
    data: int = DATA_BYTES,
) -> bytes:
    """A file of these parts; the counts may lie."""
    keys = KEYS if keys is None else keys
    tensors = TENSORS if tensors is None else tensors
    counts = (len(tensors) if n_tensors is None else n_tensors, len(keys) if n_keys is None else n_keys)
    head = b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


HEADER_BYTES = len(gguf(data=0))
