"""What a conversion will give, before it is done: keys, tensors and the exact size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from q8chat.convert import registry, types
from q8chat.convert.checkpoint import open_checkpoint
from q8chat.convert.source import CheckpointSource
from q8chat.convert.untrusted import reading
from q8chat.gguf_files.layout import Layout, layout
from q8chat.gguf_files.metadata import STRING, scalar


@dataclass(frozen=True)
class Plan:
    """`out_type`: the asked type, "auto" resolved; `warnings`: sentences for the user."""

    source: CheckpointSource
    layout: Layout
    out_type: str
    warnings: list[str]

    @property
    def size(self) -> int:
        """Bytes of the file, exactly."""
        return self.layout.size


def plan(path: Path, out_type: str = types.AUTO, extra: Mapping[str, str] | None = None) -> Plan:
    """Everything but reading weights. `out_type`: f32, f16, bf16, q8_0 or auto. `extra`: further keys of the file.

    Raises CheckpointError for what can't be converted, UsageError for an unknown type.
    """
    checkpoint = open_checkpoint(path)
    family_class = registry.find(checkpoint.architecture)
    file_type = types.file_type(out_type, checkpoint)
    with reading(str(path / "config.json")):
        family = family_class(checkpoint, file_type)
    source = CheckpointSource(checkpoint, family)
    for key, text in (extra or {}).items():
        source.metadata.set(scalar(key, STRING, text))
    name = next(name for name, value in types.FILE_TYPES.items() if value == file_type)
    return Plan(source, layout(source.metadata, source.tensors, keep_ones=True), name, family.warnings)
