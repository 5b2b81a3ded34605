"""Opening what a user wants to convert: what is it, and a source of tensors to plan with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from q8chat.convert import planning
from q8chat.convert.weight_files import PICKLED
from q8chat.core.errors import CheckpointError, ModelFileError, QuantizeError
from q8chat.gguf_files import naming
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.types import TYPES
from q8chat.jobs.convert_types import Source
from q8chat.quantize.ftypes import is_quantized

Stamp = tuple[tuple[str, int, int], ...]


@dataclass
class OpenCheckpoint:
    """A checkpoint whose tokenizer and headers have been read; doing that for every level would take too long."""

    path: Path
    stamp: Stamp
    plans: dict[str, planning.Plan] = field(default_factory=dict)

    def plan(self, out_type: str) -> planning.Plan:
        """As the converter would make it, without further keys."""
        if out_type not in self.plans:
            made = planning.plan(self.path, out_type)
            self.plans[out_type] = self.plans[made.out_type] = made
        return self.plans[out_type]


_lock = threading.Lock()
_last: OpenCheckpoint | None = None


def checkpoint(path: Path) -> OpenCheckpoint:
    """The one opened last is kept as long as no file in its folder changes. Raises CheckpointError."""
    global _last  # noqa: PLW0603
    stamp = _stamp(path)
    with _lock:
        if _last is None or (_last.path, _last.stamp) != (path, stamp):
            _last = OpenCheckpoint(path, stamp)
        return _last


def _stamp(folder: Path) -> Stamp:
    if not folder.is_dir():
        return ()
    return tuple(sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()))


def inspect(path: Path) -> Source:
    """Raises CheckpointError, ModelFileError, QuantizeError: what is wrong with it and what to do."""
    if path.is_file():
        return _of_file(path)
    if not path.exists():
        raise ModelFileError(f"There is no file or folder {path}.", "Check the path, or choose it with a button.")
    models = sorted(p for p in path.iterdir() if naming.is_gguf(p.name) and _is_model(p.name))
    has_weights = (path / "config.json").is_file() and any(path.glob("*.safetensors"))
    if has_weights or not models:
        return _of_checkpoint(path)
    if len({naming.stem(p.name) for p in models}) > 1:
        raise ModelFileError(
            f"{path} holds {len(models)} GGUF files, e.g. {models[0].name} and {models[-1].name}.",
            "Choose one of the files.",
        )
    return _of_model(models[0])


def _is_model(name: str) -> bool:
    return not (naming.is_projector(name) or naming.is_imatrix(name))


def _of_file(path: Path) -> Source:
    if naming.is_gguf(path.name):
        return _of_model(path)
    if (path.parent / "config.json").is_file():  # somebody chose one of a checkpoint's files
        return _of_checkpoint(path.parent)
    if path.suffix in PICKLED:
        raise CheckpointError(
            f"{path.name} is a pickle: a program that runs when it is opened. So it is not opened.",
            "Look for the same model as .safetensors.",
        )
    raise ModelFileError(f"{path.name} is no model.", "Choose a checkpoint's folder or a .gguf file.")


def _of_checkpoint(path: Path) -> Source:
    made = checkpoint(path).plan("auto")
    metadata, entries = made.source.metadata, made.source.checkpoint.entries.values()
    shares: dict[str, int] = {}
    for entry in entries:
        shares[entry.dtype] = shares.get(entry.dtype, 0) + entry.n_bytes
    architecture = str(metadata.get("general.architecture", ""))
    return Source(
        kind="checkpoint",
        path=str(path),
        name=path.resolve().name,
        size=sum(size for size, _time in made.source.checkpoint.stamps.values()),
        architecture=made.source.checkpoint.architecture,
        parameters=_weights(made.source),
        precision=_precision(shares),
        licence=str(metadata.get("general.license", "")),
        context_length=_number(metadata.get(f"{architecture}.context_length", 0)),
        notes=tuple(made.warnings),
    )


def _of_model(path: Path) -> Source:
    source = GgufSource(path)
    try:
        if source.metadata.get("general.type") == "imatrix":
            raise QuantizeError(
                f"{path.name} is an importance matrix, not a model.", "Choose it under Options, and a model here."
            )
        shares: dict[str, int] = {}
        for t in source.tensors:
            shares[TYPES[t.type_id].name] = shares.get(TYPES[t.type_id].name, 0) + t.n_bytes
        architecture = str(source.metadata.get("general.architecture", ""))
        return Source(
            kind="model",
            path=str(source.path),
            name=naming.stem(source.path.name),
            size=sum(p.stat().st_size for p in source.paths),
            architecture=architecture,
            parameters=_weights(source),
            precision=_precision(shares),
            licence=str(source.metadata.get("general.license", "")),
            context_length=_number(source.metadata.get(f"{architecture}.context_length", 0)),
            lossy=any(is_quantized(name) for name in shares),
        )
    finally:
        source.close()


def _weights(source: TensorSource) -> int:
    return sum(t.row_length * t.n_rows for t in source.tensors)


def _precision(shares: dict[str, int]) -> str:
    return ", ".join(sorted(shares, key=lambda name: -shares[name]))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
