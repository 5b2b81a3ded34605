"""What the name of a GGUF file tells: shards, the quantization, and files that are not models themselves.

Names may have folders with slashes before them, as in a repository ("Q4_K_M/Base-Q4_K_M-00001-of-00002.gguf").
Sources: ggml's gguf.md (naming convention), llama.cpp's `llama_split_path`, names seen on the hub.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SUFFIX = ".gguf"
_SHARD = re.compile(r"(?P<base>.+)-(?P<number>[0-9]{5})-of-(?P<total>[0-9]{5})\.gguf", re.IGNORECASE | re.DOTALL)
# "UD-" are mixes made with care for each tensor (Unsloth), "i1-" made with an importance matrix (mradermacher);
# only the first makes another file of the same repository, so only it belongs to the label.
_LABEL = re.compile(
    r"""(?<![A-Za-z0-9])
    (?P<label>(?:UD-)?(?:
        I?Q[1-8](?:_(?:[01](?:_[48]_[48])?|NL|X?X?S|M|K(?:_(?:X?X?[SL]|M|P))?|K[STV]?(?:_R[48])?))
      | T?Q[1-8]_[0-9]
      | (?:MX|NV)FP4(?:_MOE)?
      | BF16 | FP?16 | FP?32
    ))(?![A-Za-z0-9_])""",
    re.VERBOSE | re.IGNORECASE,
)
_SPELLED = {"FP16": "F16", "FP32": "F32"}


class Shard(NamedTuple):
    """One file of several; `base` is the name without number and suffix, `number` counts from 1."""

    base: str
    number: int
    total: int


def is_gguf(name: str) -> bool:
    """Whether the name ends like a GGUF file's, in any case of letters."""
    return name.lower().endswith(SUFFIX)


def shard(name: str) -> Shard | None:
    """Which shard this is; None for a whole file and for numbers that make no sense (00003-of-00002)."""
    found = _SHARD.fullmatch(name)
    if not found:
        return None
    number, total = int(found["number"]), int(found["total"])
    return Shard(found["base"], number, total) if 1 <= number <= total else None


def shard_name(base: str, number: int, total: int) -> str:
    """The name llama.cpp looks for when it loads the other shards."""
    return f"{base}-{number:05d}-of-{total:05d}{SUFFIX}"


def stem(name: str) -> str:
    """The name without folders, shard number and suffix: what the files of one model have in common."""
    last = name.rpartition("/")[2]
    part = shard(last)
    return part.base if part else last[: -len(SUFFIX)] if is_gguf(last) else last


def quant_label(name: str) -> str:
    """The quantization in llama.cpp's spelling (Q4_K_M, IQ4_XS, BF16, UD-Q4_K_XL); "" if the name has none.

    The last one in the file's name counts; if it has none, the last one of its folder ("BF16/model.gguf").
    """
    folder, _, _ = name.rpartition("/")
    for part in (stem(name), folder.rpartition("/")[2]):
        labels = [m["label"].upper() for m in _LABEL.finditer(part)]
        if labels:
            return _SPELLED.get(labels[-1], labels[-1])
    return ""


def is_projector(name: str) -> bool:
    """A vision or audio projector, which belongs to a model and can't be loaded alone."""
    return "mmproj" in name.rpartition("/")[2].lower()


def is_imatrix(name: str) -> bool:
    """An importance matrix. A name with a quantization is a model that was made with one."""
    return "imatrix" in stem(name).lower() and not quant_label(name.rpartition("/")[2])
