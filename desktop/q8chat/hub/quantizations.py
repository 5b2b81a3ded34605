"""From the file names of a repository to its quantizations: labels, shards, and which one most people want."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from q8chat.hub.types import Quantization, RemoteFile

_LABEL = re.compile(
    r"(?<![A-Za-z0-9])(?P<prefix>UD[-_])?(?P<type>"
    r"IQ[1-6]_(?:XXS|XS|NL|S|M|KSS|KS|KT|KL|K)|TQ[12]_0"
    r"|Q[1-8]_(?:K(?:_(?:XXL|XL|L|M|S|P))?|[01](?:_(?:4_4|4_8|8_8))?)"
    r"|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_SHARD = re.compile(r"^(?P<name>.+)-(?P<index>\d{5})-of-(?P<total>\d{5})$")
_FLOATS = ("BF16", "F16", "F32")
MAX_SHARDS = 1000
MAX_BITS = 40.0  # per weight: more means that the number of weights is of another model

# Q4_K_M is what most people use: the best quality for its speed and size. Then its closest relatives, then the next
# larger ones (they cost memory, not quality), then the smaller ones, largest first, then what is not quantized.
PREFERENCE = (
    *(
        "Q4_K_M",
        "UD-Q4_K_XL",
        "Q4_K_L",
        "Q4_K_XL",
        "Q4_K_S",
        "Q4_K",
        "IQ4_NL",
        "IQ4_XS",
        "UD-IQ4_XS",
        "Q4_1",
        "Q4_0",
    ),
    *("MXFP4_MOE", "MXFP4", "NVFP4", "Q5_K_M", "UD-Q5_K_XL", "Q5_K_L", "Q5_K_S", "Q5_K", "Q5_1", "Q5_0"),
    *("Q6_K", "UD-Q6_K_XL", "Q6_K_L", "Q8_0", "UD-Q8_K_XL"),
    *(
        "Q3_K_L",
        "Q3_K_XL",
        "UD-Q3_K_XL",
        "Q3_K_M",
        "Q3_K",
        "IQ3_M",
        "IQ3_S",
        "Q3_K_S",
        "IQ3_XS",
        "UD-IQ3_XXS",
        "IQ3_XXS",
    ),
    *("UD-Q2_K_XL", "Q2_K_L", "Q2_K", "Q2_K_S", "IQ2_M", "UD-IQ2_M", "IQ2_S", "IQ2_XS", "IQ2_XXS", "UD-IQ2_XXS"),
    *("BF16", "F16", "F32", "UD-IQ1_M", "IQ1_M", "UD-IQ1_S", "IQ1_S", "TQ2_0", "TQ1_0"),
)


def normal_label(text: str) -> str:
    """`text` if it is a label, as llama.cpp writes it: "q4_k_m" is Q4_K_M, "fp16" is F16; "" if it is none."""
    match = _LABEL.fullmatch(text.strip())
    return _spelled(match) if match else ""


def _spelled(match: re.Match[str]) -> str:
    kind = match["type"].upper()
    kind = {"FP16": "F16", "FP32": "F32"}.get(kind, kind)
    return f"UD-{kind}" if match["prefix"] else kind


def label_of(name: str) -> str:
    """The label in a path without ".gguf": in the file's name, else in the nearest folder that has one.

    Of several the last one counts, and one that is quantized before one that is not: "f16-Q4_K_M" is Q4_K_M.
    """
    for part in reversed(name.split("/")):
        labels = [_spelled(m) for m in _LABEL.finditer(part)]
        if labels:
            return next((label for label in reversed(labels) if label not in _FLOATS), labels[-1])
    return ""


def _base_of(name: str) -> str:
    """What is left of a file's name without its label: the same for all quantizations of one model."""
    return re.sub(r"[^a-z0-9]+", "-", _LABEL.sub("", name.rpartition("/")[2]).lower()).strip("-")


def is_gguf(path: str) -> bool:
    """By its name."""
    return path.lower().endswith(".gguf")


def is_projector(path: str) -> bool:
    """A part that sees or hears, and no model by itself."""
    return is_gguf(path) and "mmproj" in path.rpartition("/")[2].lower()


def is_model(path: str) -> bool:
    """A GGUF with weights of a language model, by its name: no projector, importance matrix or vocabulary."""
    name = path.rpartition("/")[2].lower()
    return is_gguf(path) and not any(word in name for word in ("mmproj", "imatrix", "ggml-vocab"))


def group(files: Iterable[RemoteFile], parameters: int = 0) -> tuple[Quantization, ...]:
    """One row for each model and quantization, smallest first. `parameters`: number of weights, 0 if not known."""
    single: list[Quantization] = []
    shards: dict[tuple[str, int], dict[int, RemoteFile]] = {}
    for file in files:
        if not is_model(file.path):
            continue
        name = file.path[: -len(".gguf")]
        if match := _SHARD.match(name):
            shards.setdefault((match["name"], int(match["total"])), {})[int(match["index"])] = file
        else:
            single.append(_row(name, (file,)))
    rows = [*single, *(_sharded(name, total, found) for (name, total), found in shards.items())]
    rows.sort(key=lambda row: (row.size, row.name))
    if parameters <= 0 or len({_base_of(row.name) for row in rows if not row.problem}) > 1:
        return tuple(rows)  # with several models in one repository the hub's number is of one of them
    return tuple(msgspec.structs.replace(row, bits_per_weight=_bits(row, parameters)) for row in rows)


def _row(
    name: str, files: tuple[RemoteFile, ...], missing: tuple[str, ...] = (), problem: str = ""
) -> Quantization:
    bad = next((f"the name {f.path!r} can't be used: {f.problem}" for f in files if f.problem), "")
    size = sum(f.size for f in files)
    return Quantization(
        label=label_of(name), name=name, files=files, size=size, missing=missing, problem=bad or problem
    )


def _sharded(name: str, total: int, found: dict[int, RemoteFile]) -> Quantization:
    files = tuple(found[i] for i in sorted(found))
    if not 1 <= total <= MAX_SHARDS or not all(1 <= i <= total for i in found):
        return _row(name, files, problem="the numbers of its parts make no sense")
    ending = files[0].path[-len(".gguf") :]
    missing = tuple(f"{name}-{i:05d}-of-{total:05d}{ending}" for i in range(1, total + 1) if i not in found)
    problem = f"{len(missing)} of its {total} parts are missing" if missing else ""
    return _row(name, files, missing, problem)


def _bits(row: Quantization, parameters: int) -> float:
    bits = row.size * 8 / parameters
    return round(bits, 3) if bits <= MAX_BITS and not row.missing else 0.0


def recommend(rows: Sequence[Quantization]) -> Quantization | None:
    """The first usable one in the order of PREFERENCE; names without a label come last, smallest first."""
    usable = [row for row in rows if not row.problem]
    rank = {label: i for i, label in enumerate(PREFERENCE)}
    return min(usable, key=lambda row: (rank.get(row.label, len(rank)), row.size), default=None)
