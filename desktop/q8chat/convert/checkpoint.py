"""A Hugging Face checkpoint on disk: configuration, tokenizer files and tensors, checked before they are used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from q8chat.convert.safetensors import PACKED, Entry, read_header
from q8chat.core.errors import CheckpointError

INDEX = "model.safetensors.index.json"
PICKLED = (".bin", ".pth", ".pt", ".ckpt")
SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What lies in the folder. `entries`: tensors by their name, in the order they are converted in."""

    path: Path
    config: dict[str, Any]
    entries: dict[str, Entry]
    stamps: dict[Path, tuple[int, int]] = field(repr=False)  # file -> size, time of change

    @property
    def architecture(self) -> str:
        """The class name that says how the model is built. Raises CheckpointError if there is none."""
        inner = self.config.get("text_config")
        for config in (inner if isinstance(inner, dict) else {}, self.config):
            names = config.get("architectures")
            if isinstance(names, list) and names and isinstance(names[0], str):
                return names[0]
        raise CheckpointError(
            f"{self.path / 'config.json'} does not say which architecture the model has.",
            'It needs an entry "architectures", as the original checkpoint has it.',
        )

    @property
    def name(self) -> str:
        """What the model is called: the folder's name, or the repository's if it lies in Hugging Face's cache."""
        folder = self.path.resolve()
        if folder.parent.name == "snapshots" and (repo := folder.parent.parent.name).startswith("models--"):
            return repo.rpartition("--")[2]
        return folder.name

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON object beside the weights; None if the file is absent. Raises CheckpointError."""
        file = self.path / name
        return read_json(file) if file.is_file() else None

    def text(self, name: str) -> str | None:
        """A text file beside the weights; None if it is absent. Raises CheckpointError."""
        file = self.path / name
        return _text(file) if file.is_file() else None

    def check_unchanged(self) -> None:
        """Raises CheckpointError if a file of weights was changed since the checkpoint was opened."""
        for file, stamp in self.stamps.items():
            if stamp_of(file) != stamp:
                raise CheckpointError(
                    f"{file} was changed while it was converted.", "Wait until it is complete and start again."
                )


def open_checkpoint(path: Path) -> Checkpoint:
    """Read and check everything but the weights themselves. Raises CheckpointError."""
    if path.is_file():
        raise CheckpointError(f"{path} is a file, not a checkpoint.", "Give the folder that holds config.json.")
    if not path.is_dir():
        raise CheckpointError(f"There is no folder {path}.", "Check the path.")
    if not (path / "config.json").is_file():
        raise CheckpointError(
            f"{path} holds no config.json.", "A checkpoint has one; download the complete repository."
        )
    config = read_json(path / "config.json")
    if isinstance(config.get("quantization_config"), dict):
        method = config["quantization_config"].get("quant_method", "an unknown method")
        raise CheckpointError(
            f"{path} is already quantized ({method}), which can't be turned back exactly.",
            "Convert the original checkpoint it was made from.",
        )
    files, weight_map = _weight_files(path)
    stamps = {file: stamp_of(file) for file in files}
    entries = _merge(files)
    if weight_map is not None:
        _compare_with_index(path, entries, weight_map)
    _check_types(entries.values())
    return Checkpoint(path, config, entries, stamps)


def stamp_of(file: Path) -> tuple[int, int]:
    """Size and time of change, to notice a file that changes; zeros when it is gone."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises CheckpointError."""
    try:
        value = json.loads(_text(file))
    except (ValueError, RecursionError) as e:
        raise CheckpointError(f"{file} is no sound JSON: {e}.", "Download the file again.") from e
    if not isinstance(value, dict):
        raise CheckpointError(f"{file} does not hold a JSON object.", "Download the file again.")
    return value


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise CheckpointError(f"{file} can't be read: {e}.", "Download the file again.") from e


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
