"""The keys `general.*`: what a model is called, how large it is, whose it is, and how it is best sampled.

gguf's own heuristics read model card, config.json and folder name. What the gguf of the pinned llama.cpp knows
beyond the one on PyPI is added here.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path

import gguf
import yaml  # type: ignore[import-untyped]

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.keys import Keys
from q8chat.core.errors import CheckpointError

Shape = tuple[int, ...]
# generation_config.json's names of what goes to general.sampling.*
SAMPLING = {
    "sampling_sequence": ("sequence",),
    "sampling_top_k": ("top_k",),
    "sampling_top_p": ("top_p",),
    "sampling_min_p": ("min_p",),
    "sampling_xtc_probability": ("xtc_probability",),
    "sampling_xtc_threshold": ("xtc_threshold",),
    "sampling_temp": ("temperature",),
    "sampling_penalty_last_n": ("penalty_last_n",),
    "sampling_penalty_repeat": ("penalty_repeat", "repetition_penalty"),
    "sampling_mirostat": ("mirostat",),
    "sampling_mirostat_tau": ("mirostat_tau",),
    "sampling_mirostat_eta": ("mirostat_eta",),
}


def parameters(tensors: Iterable[tuple[str, Shape]]) -> tuple[int, int, int, int]:
    """Total, shared, per-expert parameters and the number of experts, from GGUF names and PyTorch shapes."""
    total = shared = per_expert = expert_sum = expert_tensors = 0
    for name, shape in tensors:
        total += prod(shape)
        if "_exps." in name and len(shape) >= 3:
            experts = shape[-2 if ".bias" in name else -3]
            per_expert += prod(shape) // experts
            expert_sum += experts
            expert_tensors += 1
        else:
            shared += prod(shape)
    return total, shared, per_expert, expert_sum // expert_tensors if expert_tensors else 0


def add(keys: Keys, checkpoint: Checkpoint, counts: tuple[int, int, int, int], warnings: list[str]) -> None:
    """Write them, with `general.type`. An unreadable model card is a warning only."""
    found = _load(checkpoint, counts[0], warnings)
    if found.name is None:
        found.name = checkpoint.name
    if found.size_label is None and counts[0] > 0:
        found.size_label = gguf.size_label(*counts)
    keys.add_type(gguf.GGUFType.MODEL)
    found.set_gguf_meta_model(keys)


def _load(checkpoint: Checkpoint, total: int, warnings: list[str]) -> gguf.Metadata:
    folder = checkpoint.path.resolve()
    try:
        card = gguf.Metadata.load_model_card(folder)
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as e:
        warnings.append(f"The model card README.md can't be read ({type(e).__name__}) and is left out.")
        card = {}
    card = {key: _words(value) for key, value in card.items()}
    found = gguf.Metadata.apply_metadata_heuristic(
        gguf.Metadata(), card, checkpoint.config, Path(checkpoint.name), total
    )
    generation = _generation_config(checkpoint)
    for field, names in SAMPLING.items():
        setattr(found, field, next((generation[n] for n in names if n in generation), None))
    return found


def _words(value: object) -> object:
    """Without YAML's surprises: in a list of languages `no` is a word, which YAML reads as false."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return [_words(v) for v in value] if isinstance(value, list) else value


def _generation_config(checkpoint: Checkpoint) -> dict[str, object]:
    try:
        return checkpoint.json("generation_config.json") or {}
    except CheckpointError:  # not needed to run the model, and not always sound
        return {}
