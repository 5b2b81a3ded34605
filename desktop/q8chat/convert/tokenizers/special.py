"""Special tokens, what is added around a text, merges and chat template, from all the places they may stand in.

Facts: `SpecialVocab` of the gguf-py inside llama-cpp-python 0.3.36 (the gguf on PyPI is older and knows less).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.keys import Keys
from q8chat.convert.tokenizers import post_processor, templates
from q8chat.core.errors import CheckpointError

ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
# role -> the writer's method, where llama.cpp knows the role
ID_KEYS = {
    **{role: f"add_{role}_token_id" for role in ("bos", "eos", "unk", "sep", "pad", "mask", "eot", "eom")},
}
ADD_KEYS = {role: f"add_add_{role}_token" for role in ("bos", "eos", "sep")}


@dataclass
class SpecialTokens:
    """role -> token number, and role -> whether it is put around every text."""

    ids: dict[str, int] = field(default_factory=dict)
    adds: dict[str, bool] = field(default_factory=dict)
    merges: list[str] = field(default_factory=list)
    chat_template: templates.Templates | None = None
    lowercase: bool | None = None
    strip_accents: bool | None = None

    def add(self, keys: Keys) -> None:
        """Write all that is known."""
        if self.merges:
            keys.add_token_merges(self.merges)
        for role, number in self.ids.items():
            if role in ID_KEYS:
                getattr(keys, ID_KEYS[role])(number)
        for role, value in self.adds.items():
            if role in ADD_KEYS:
                getattr(keys, ADD_KEYS[role])(value)
        if self.chat_template is not None:
            templates.add(keys, self.chat_template)
        if self.lowercase is not None:
            keys.add_bool("tokenizer.ggml.normalizer.lowercase", self.lowercase)
        if self.strip_accents is not None:
            keys.add_bool("tokenizer.ggml.normalizer.strip_accents", self.strip_accents)

    def set_id(self, role: str, number: Any, n_vocab: int | None) -> None:
        """The first place that names a usable number for a role counts."""
        if type(number) is not int or role in self.ids:
            return
        if number < 0:
            raise CheckpointError(
                f"The {role} token has the number {number}.", "Take config.json from the original."
            )
        if n_vocab is None or number < n_vocab:
            self.ids[role] = number


def load(
    checkpoint: Checkpoint, *, merges: bool = False, n_vocab: int | None = None, roles: Sequence[str] = ROLES
) -> SpecialTokens:
    """Look through tokenizer.json, tokenizer_config.json, config.json and merges.txt. Raises CheckpointError."""
    found = SpecialTokens()
    tokenizer = checkpoint.json("tokenizer.json")
    config = checkpoint.json("tokenizer_config.json")
    if tokenizer:
        if merges:
            found.merges = _merges(checkpoint, tokenizer)
        _read_normalizer(found, tokenizer.get("normalizer") or {})
        around = post_processor.read(tokenizer.get("post_processor") or {}, config, roles)
        found.adds, roles = around.adds, around.roles
    if config is not None:
        found.chat_template = templates.find(checkpoint, config)
        _read_tokenizer_config(found, config, (tokenizer or {}).get("added_tokens") or [], roles, n_vocab)
    inner = checkpoint.config.get("text_config")
    for role in roles:
        number = checkpoint.config.get(f"{role}_token_id")
        if number is None and isinstance(inner, dict):
            number = inner.get(f"{role}_token_id")
        found.set_id(role, number, n_vocab)
    if merges and not found.merges:
        found.merges = _merges_txt(checkpoint)
    return found


def _read_tokenizer_config(
    found: SpecialTokens, config: dict[str, Any], added: list[Any], roles: Sequence[str], n_vocab: int | None
) -> None:
    numbers: dict[str, Any] = {}
    for token in added:
        if isinstance(token, dict):
            numbers.setdefault(str(token.get("content")), token.get("id"))
    for role in roles:
        if isinstance(adds := config.get(f"add_{role}_token"), bool):
            found.adds.setdefault(role, adds)
        token = config.get(f"{role}_token")
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str):
            found.set_id(role, numbers.get(text), n_vocab)


def _read_normalizer(found: SpecialTokens, normalizer: dict[str, Any]) -> None:
    kind = normalizer.get("type")
    if kind == "Lowercase":
        found.lowercase = True
    elif kind == "StripAccents":
        found.strip_accents = True
    elif kind == "BertNormalizer":
        found.lowercase = normalizer.get("lowercase", found.lowercase)
        found.strip_accents = normalizer.get("strip_accents", found.strip_accents)
    elif kind == "Sequence":
        for part in normalizer.get("normalizers", []):
            _read_normalizer(found, part)


def _merges(checkpoint: Checkpoint, tokenizer: dict[str, Any]) -> list[str]:
    """Merges as lines. Pairs (since transformers 4.45) may hold spaces, which become the visible ones of BPE."""
    merges = (tokenizer.get("model") or {}).get("merges")
    if not isinstance(merges, list) or not merges:
        return []
    if all(isinstance(m, str) for m in merges):
        return merges
    if all(isinstance(m, list) and len(m) == 2 and all(isinstance(p, str) for p in m) for m in merges):
        return [" ".join(part.replace(" ", "\u0120") for part in pair) for pair in merges]
    raise CheckpointError(
        f"{checkpoint.path / 'tokenizer.json'} has merges of an unknown form.", "Download the file again."
    )


def _merges_txt(checkpoint: Checkpoint) -> list[str]:
    lines = (checkpoint.text("merges.txt") or "").split("\n")
    if lines[0].startswith("#"):
        lines = lines[1:]
    pairs = (line.split() for line in lines)
    return [" ".join(pair) for pair in pairs if len(pair) == 2]
