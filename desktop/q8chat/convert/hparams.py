"""A model's configuration as the reference sees it: config.json completed with transformers' defaults.

llama.cpp's converter loads config.json through transformers, so defaults of its configuration classes reach the
GGUF. Which ones they are stands in the families (facts from transformers 4.57.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from q8chat.core.errors import CheckpointError

Config = dict[str, Any]
# A constant stands in for a key that is absent; a function is also asked when the key is null.
Defaults = Mapping[str, Any | Callable[[Config], Any]]

GLOBAL_THETA = ("global_rope_theta", "rope_global_theta", "rope_theta_global", "rope_theta", "rotary_emb_base")
LOCAL_THETA = (
    "local_rope_theta",
    "rope_local_theta",
    "rope_theta_local",
    "swa_rope_theta",
    "rope_local_base_freq",
)
PARTIAL_ROTARY = ("partial_rotary_factor", "rope_pct", "rope_percent")


def complete(config: Config, by_model_type: Mapping[str, Defaults]) -> Config:
    """config.json flattened (`text_config` over the rest) and completed for its `model_type`."""
    inner = config.get("text_config")
    merged = {**config, **inner} if isinstance(inner, dict) else dict(config)
    model_type = str(merged.get("model_type", ""))
    for key, default in by_model_type.get(model_type, {}).items():
        if not callable(default):
            merged.setdefault(key, default)
        elif merged.get(key) is None:
            merged[key] = default(merged)
    return merged


class Hparams:
    """Typed access to a completed configuration. Whatever is missing is named."""

    def __init__(self, values: Config) -> None:
        self.values = values

    def get(self, *names: str) -> Any:
        """The first of the keys that is present, null or not; None if none is."""
        return next((self.values[n] for n in names if n in self.values), None)

    def need(self, *names: str) -> Any:
        """Like get, but raises CheckpointError instead of giving None."""
        if (value := self.get(*names)) is None:
            raise CheckpointError(
                f"config.json lacks {names[0]}.", "It seems to be cut: take it from the original checkpoint."
            )
        return value

    def count(self, *names: str) -> int:
        """A positive whole number. Raises CheckpointError."""
        value = self.need(*names)
        if type(value) is not int or value <= 0:
            raise CheckpointError(
                f"config.json gives {names[0]} the value {value!r}, where a positive whole number belongs.",
                "Take config.json from the original checkpoint.",
            )
        return value

    @property
    def head_dim(self) -> int:
        """`head_dim`, or what follows from the hidden size."""
        if self.get("head_dim") is not None:
            return self.count("head_dim")
        return self.count("hidden_size", "n_embd") // self.count("num_attention_heads", "n_head")

    def rope(self) -> Config:
        """The rotary parameters, with what stands elsewhere in config.json brought together."""
        found = self.get("rope_parameters", "rope_scaling") or {}
        if not isinstance(found, dict):
            raise CheckpointError(
                f"config.json has an unusable rope_scaling: {found!r}.",
                "Take config.json from the original checkpoint.",
            )
        rope = dict(found)
        if "full_attention" in rope or "sliding_attention" in rope:
            return rope
        if (theta := self.get(*LOCAL_THETA)) is not None:
            rope["sliding_attention"] = {"rope_theta": theta}
        additions = {
            "rope_theta": self.get(*GLOBAL_THETA),
            "rope_type": rope.get("type"),
            "partial_rotary_factor": self.get(*PARTIAL_ROTARY),
            "original_max_position_embeddings": self.get("original_max_position_embeddings"),
        }
        for key, value in additions.items():
            if key not in rope and value is not None:
                rope[key] = value
        return rope
