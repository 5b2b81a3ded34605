"""From files and what their headers say to the rows of the library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from q8chat.gguf_files import naming, provenance
from q8chat.gguf_files.file_types import FILE_TYPES
from q8chat.library.summary import Summary, TypeBytes
from q8chat.library.types import Folder, LibraryModel, TypeShare
from q8chat.library.walk import Found

Part = tuple[Found, Summary]
MAX_MISSING = 100  # names of missing shards that are told; a name may claim 99,999
_NO_NAMES = frozenset({"", "model", "ggml-model", "gguf-model"})  # of files whose folder has the name


def group(parts: Iterable[Part]) -> list[list[Part]]:
    """The files of each model, shards in order."""
    groups: dict[tuple[str, int, str], list[Part]] = {}
    for part in parts:
        folder, name = os.path.split(part[0].path)
        shard = naming.shard(name)
        key = (folder, shard.total, shard.base) if shard else (folder, 0, name)
        groups.setdefault(key, []).append(part)
    return [sorted(files, key=lambda part: part[0].path) for files in groups.values()]


def row(folder: Folder, parts: list[Part], used: Mapping[str, str]) -> LibraryModel | None:
    """The model these files make; None if they are something else, e.g. an adapter."""
    first, head = parts[0]
    if not head.problem and head.kind != "model":
        return None
    origin = provenance.read(Path(first.path)) if first.sidecar else provenance.Provenance()
    missing, total = _missing(parts)
    mix = shares(summary.tensors for _, summary in parts)
    return LibraryModel(
        path=first.path,
        files=tuple(found.path for found, _ in parts),
        name=first.name or _name(first.path),
        size=sum(found.info.st_size for found, _ in parts),
        source=folder.source,
        folder=folder.path,
        writable=folder.writable and _inside(folder, first),
        repo=origin.repo or first.repo,
        architecture=head.architecture,
        parameters=sum(summary.parameters for _, summary in parts),
        quantization=quantization(first, head, mix),
        mix=mix,
        context_length=head.context_length,
        licence=head.licence or origin.licence,
        has_template=head.has_template,
        shards=total,
        missing=missing,
        problem=_problem(parts, missing, total),
        last_used=used.get(first.path, ""),
    )


def shares(files: Iterable[tuple[TypeBytes, ...]]) -> tuple[TypeShare, ...]:
    """Tensor types of all files together, largest share of bytes first."""
    sums: dict[str, tuple[int, int]] = {}
    for types in files:
        for entry in types:
            n, n_bytes = sums.get(entry.name, (0, 0))
            sums[entry.name] = n + entry.n_tensors, n_bytes + entry.n_bytes
    whole = sum(n_bytes for _, n_bytes in sums.values()) or 1
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(TypeShare(name, n, n_bytes, n_bytes / whole) for name, (n, n_bytes) in ordered)


def quantization(found: Found, summary: Summary, mix: tuple[TypeShare, ...]) -> str:
    """What the header says, made finer by the name ("UD-Q4_K_XL" is no type of llama.cpp's); else the name's, else
    the type that most bytes have."""
    label = naming.quant_label(found.name.rpartition(":")[2] or Path(found.path).name)
    if not summary.file_type:
        return label or (mix[0].name if mix else "")
    own_mix = label and label not in FILE_TYPES.values()
    base = summary.file_type.removesuffix("_S").removesuffix("_M").removesuffix("_L")
    return label if own_mix and label.removeprefix("UD-").startswith(base) else summary.file_type


def _name(path: str) -> str:
    """A file that is just called "model" (Jan) has its folder's name."""
    stem = naming.stem(Path(path).name)
    label = naming.quant_label(stem)
    bare = stem.lower().removesuffix(label.lower()).rstrip("-._")
    return f"{Path(path).parent.name or stem}" if bare in _NO_NAMES else stem


def _inside(folder: Folder, found: Found) -> bool:
    """Whether the file's place really is below the folder; a link may lead out of it."""
    place = os.path.realpath(Path(found.path).parent)
    return Path(place).is_relative_to(os.path.realpath(folder.path))


def _missing(parts: list[Part]) -> tuple[tuple[str, ...], int]:
    """Names of shards that should be there, and how many there should be."""
    names = [Path(found.path).name for found, _ in parts]
    shard = naming.shard(names[0])
    if not shard:
        return (), 1
    there = {found.number for name in names if (found := naming.shard(name))}
    absent = (n for n in range(1, shard.total + 1) if n not in there)
    named = islice(absent, MAX_MISSING)
    return tuple(naming.shard_name(shard.base, n, shard.total) for n in named), shard.total


def _problem(parts: list[Part], missing: tuple[str, ...], total: int) -> str:
    for _, summary in parts:
        if summary.problem:
            return summary.problem
    if missing:
        what = f"{missing[0]} is" if len(missing) == 1 else f"{total - len(parts)} of its {total} files are"
        return f"It is incomplete: {what} missing. Download the model again."
    if not parts[0][1].architecture:
        return "Its header does not say what architecture it has."
    return ""
