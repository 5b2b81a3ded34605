"""How the next token is chosen: plain settings, without llama.cpp."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from q8chat.core.errors import UsageError

RANDOM_SEED = -1


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings of llama.cpp's sampler chain; the defaults are llama.cpp's own.

    temperature 0 is greedy decoding. top_k 0, top_p 1, min_p 0 and repeat_penalty 1 switch a filter off.
    seed -1 draws a new one per answer. max_tokens 0 means as many as the context holds.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int = RANDOM_SEED
    max_tokens: int = 0

    def validated(self) -> Sampling:
        """Return self; raise UsageError naming the first setting outside its range."""
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}; it must lie between {low} and {high}.")
        return self

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sampling:
        """From JSON; unknown keys are ignored, missing ones take their default, numbers are coerced."""
        defaults = asdict(cls())
        return cls(**{k: type(defaults[k])(v) for k, v in data.items() if k in defaults})


LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 5.0),
    "top_k": (0, 1000),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.5, 2.0),
    "seed": (RANDOM_SEED, 2**32 - 2),
    "max_tokens": (0, 1_000_000),
}
