"""What the choice of types depends on, besides names and shapes: figures of the model as llama.cpp reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from q8chat.gguf_files.metadata import Metadata


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`n_gqa`: query heads per key-value head of the first layer. `shares_values`: a "70B" in llama.cpp's eyes."""

    architecture: str
    n_layers: int = 0
    n_experts: int = 0
    n_gqa: int = 1
    shares_values: bool = False

    @property
    def is_falcon(self) -> bool:
        """Falcon has rules of its own."""
        return self.architecture == "falcon"


# Layers of the models llama.cpp calls 70B, by architecture. A Llama of 80 layers is one only with grouped queries.
_70B_LAYERS = {"llama": 80, "qwen2": 80, "deci": 80, "olmo": 80, "jais2": 68}


def model_facts(metadata: Metadata | Mapping[str, Any]) -> ModelFacts:
    """Read them from all keys, or from those a header has.

    What is absent or makes no sense counts as llama.cpp's default.
    """
    architecture = str(metadata.get("general.architecture", ""))

    def figure(key: str, default: int = 0) -> int:
        return _first(metadata.get(f"{architecture}.{key}", default), default)

    n_layers, n_experts = figure("block_count"), figure("expert_count")
    heads = figure("attention.head_count")
    heads_kv = figure("attention.head_count_kv", heads)
    n_main = n_layers - figure("nextn_predict_layers")
    is_70b = n_main == _70B_LAYERS.get(architecture) and (architecture != "llama" or heads != heads_kv)
    return ModelFacts(
        architecture,
        _logical_layers(metadata, architecture, n_layers),
        n_experts,
        heads // heads_kv if heads_kv else 0,
        is_70b and not (architecture == "llama" and n_experts == 8),
    )


def _logical_layers(metadata: Metadata | Mapping[str, Any], architecture: str, n_layers: int) -> int:
    """Some architectures run their layers more than once, or have a hidden one."""
    if architecture == "nanbeige":
        return n_layers * max(1, _first(metadata.get("nanbeige.num_loops", 1), 1))
    return n_layers + 1 if architecture == "graniteswitch" else n_layers


def _first(value: Any, default: int) -> int:
    """A number, or the first layer's of an array."""
    if isinstance(value, list):
        value = value[0] if value else default
    return value if isinstance(value, int) and value >= 0 else default
