"""A Hugging Face checkpoint on disk: configuration, tokenizer files and tensors, checked before they are used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from q8chat.convert import weight_files
from q8chat.convert.json_files import read_json, read_text
from q8chat.convert.safetensors import Entry
from q8chat.core.errors import CheckpointError


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
        return read_text(file) if file.is_file() else None

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
    files, entries = weight_files.find(path)
    stamps = {file: stamp_of(file) for file in files}
    return Checkpoint(path, config, entries, stamps)


def stamp_of(file: Path) -> tuple[int, int]:
    """Size and time of change, to notice a file that changes; zeros when it is gone."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
