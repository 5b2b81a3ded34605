"""A tiny Llama checkpoint made here: a few kilobytes, a SentencePiece tokenizer of 300 pieces."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, FF, HEADS, KV_HEADS, TOKENS = 32, 64, 4, 2, 300
CODES = {"float32": "F32", "float16": "F16", "uint16": "BF16"}
Tensors = dict[str, NDArray[Any]]


def weights(n_layers: int = 2) -> Tensors:
    """Random F32 weights with a fixed seed."""
    rng = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (TOKENS, WIDTH),
        "model.norm.weight": (WIDTH,),
    }
    for i in range(n_layers):
        shapes |= {
            f"model.layers.{i}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (WIDTH,),
                "post_attention_layernorm": (WIDTH,),
                "self_attn.q_proj": (WIDTH, WIDTH),
                "self_attn.k_proj": (WIDTH * KV_HEADS // HEADS, WIDTH),
                "self_attn.v_proj": (WIDTH * KV_HEADS // HEADS, WIDTH),
                "self_attn.o_proj": (WIDTH, WIDTH),
                "mlp.gate_proj": (FF, WIDTH),
                "mlp.up_proj": (FF, WIDTH),
                "mlp.down_proj": (WIDTH, FF),
            }.items()
        }
    return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def config(n_layers: int = 2) -> dict[str, Any]:
    """config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": FF,
        "num_hidden_layers": n_layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 128,
        "vocab_size": TOKENS,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
    }


def header_and_data(tensors: Tensors) -> tuple[dict[str, Any], bytes]:
    """What a safetensors file consists of."""
    header: dict[str, Any] = {}
    data = b""
    for name, values in tensors.items():
        raw = values.tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": CODES[values.dtype.name], "shape": list(values.shape), "data_offsets": offsets}
        data += raw
    return header, data


def safetensors(header: object, data: bytes) -> bytes:
    """The file."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_weights(file: Path, tensors: Tensors) -> None:
    """A safetensors file with these tensors."""
    file.write_bytes(safetensors(*header_and_data(tensors)))


def sentencepiece(n: int = TOKENS) -> bytes:
    """A SentencePiece model: <unk>, <s>, </s>, 256 bytes, then words."""
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
    pieces += [(f"\u2581w{i}", -float(i), 1) for i in range(n - len(pieces))]
    model = b""
    for text, score, kind in pieces[:n]:
        raw = text.encode()
        piece = b"\x0a" + bytes([len(raw)]) + raw + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind])
        model += b"\x0a" + bytes([len(piece)]) + piece
    return model


def write_json(file: Path, value: object) -> None:
    """A JSON file."""
    file.write_text(json.dumps(value), encoding="utf-8")


def make(folder: Path) -> Path:
    """The whole checkpoint in one file of weights."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config())
    (folder / "tokenizer.model").write_bytes(sentencepiece())
    write_weights(folder / "model.safetensors", weights())
    return folder


def make_sharded(folder: Path, n: int = 3) -> Path:
    """The same in several files with an index."""
    make(folder)
    (folder / "model.safetensors").unlink()
    tensors = list(weights().items())
    weight_map = {}
    for i in range(n):
        name = f"model-{i + 1:05d}-of-{n:05d}.safetensors"
        part = dict(tensors[i::n])
        write_weights(folder / name, part)
        weight_map |= dict.fromkeys(part, name)
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})
    return folder
