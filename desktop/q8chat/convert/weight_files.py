"""Which files hold a checkpoint's weights, and whether they are complete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from q8chat.convert.json_files import read_json
from q8chat.convert.safetensors import PACKED, Entry, read_header
from q8chat.core.errors import CheckpointError

INDEX = "model.safetensors.index.json"
PICKLED = (".bin", ".pth", ".pt", ".ckpt")
SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})\.safetensors")


def find(path: Path) -> tuple[list[Path], dict[str, Entry]]:
    """The files, and their tensors by name in the order they are converted in. Raises CheckpointError."""
    files, weight_map = _weight_files(path)
    entries = _merge(files)
    if weight_map is not None:
        _compare_with_index(path, entries, weight_map)
    _check_types(entries.values())
    return files, entries


def _weight_files(path: Path) -> tuple[list[Path], dict[str, str] | None]:
    if (path / INDEX).is_file():
        weight_map = read_json(path / INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not all(isinstance(v, str) for v in weight_map.values()):
            raise CheckpointError(f"{path / INDEX} has no weight_map.", "Download the file again.")
        names = sorted(set(weight_map.values()))
        for name in names:
            if Path(name).name != name:
                raise CheckpointError(
                    f"{path / INDEX} names {name!r}, which is no plain file name.", "Download the file again."
                )
        missing = [name for name in names if not (path / name).is_file()]
        if missing:
            raise _missing(path, missing)
        return [path / name for name in names], weight_map
    names = sorted(p.name for p in path.iterdir() if p.name.startswith("model") and p.name.endswith(".safetensors"))
    if not names:
        raise _no_weights(path)
    if missing := _missing_shards(names):
        raise _missing(path, missing)
    return [path / name for name in names], None


def _missing_shards(names: list[str]) -> list[str]:
    expected: set[str] = set()
    for match in map(SHARD.fullmatch, names):
        if match:
            total = int(match["total"])
            expected |= {f"{match['stem']}-{i:05d}-of-{total:05d}.safetensors" for i in range(1, total + 1)}
    return sorted(expected - set(names))


def _missing(path: Path, names: list[str]) -> CheckpointError:
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return CheckpointError(f"{path} is incomplete: {listed} is missing.", "Download what is missing.")


def _no_weights(path: Path) -> CheckpointError:
    pickled = sorted(p.name for p in path.iterdir() if p.suffix in PICKLED)
    if pickled:
        return CheckpointError(
            f"{path} has its weights in {pickled[0]}, a pickle: a program that runs when it is opened. "
            "So it is not opened.",
            "Look for the same model as .safetensors, or let its publisher's hub convert it to that.",
        )
    if (path / "consolidated.safetensors").is_file():
        return CheckpointError(
            f"{path} holds only consolidated.safetensors, Mistral's own layout.",
            "Download the model-*.safetensors files of the same repository.",
        )
    return CheckpointError(f"{path} holds no model*.safetensors.", "Download the complete repository.")


def _merge(files: list[Path]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for file in files:
        for entry in read_header(file):
            if entry.name in entries:
                raise CheckpointError(
                    f"Tensor {entry.name} lies both in {entries[entry.name].path} and in {file.name}.",
                    "Remove the file that does not belong to the checkpoint.",
                )
            entries[entry.name] = entry
    return entries


def _compare_with_index(path: Path, entries: dict[str, Entry], weight_map: dict[str, str]) -> None:
    for name in sorted(weight_map.keys() - entries.keys()):
        raise CheckpointError(
            f"{path / INDEX} promises tensor {name} in {weight_map[name]}, which does not hold it.",
            "Index and files are of different versions: download both again.",
        )
    for name in sorted(entries.keys() - weight_map.keys()):
        raise CheckpointError(
            f"Tensor {name} in {entries[name].path} is not in {INDEX}.",
            "Index and files are of different versions: download both again.",
        )


def _check_types(entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.dtype in PACKED:
            raise CheckpointError(
                f"Tensor {entry.name} in {entry.path} is stored as {entry.dtype}, an already quantized type.",
                "Convert the original checkpoint in F32, F16 or BF16.",
            )
