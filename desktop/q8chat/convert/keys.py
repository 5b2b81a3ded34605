"""The GGUF's keys in the order they are added, typed by gguf's own writer methods (`add_block_count`, ...)."""

from __future__ import annotations

import struct
from typing import Any

import gguf

from q8chat.core.errors import CheckpointError
from q8chat.gguf_files.metadata import Entry, Metadata, array, scalar


class Keys(gguf.GGUFWriter):
    """A writer that writes nothing: it only remembers. Adding a key again replaces its value, not its place."""

    def __init__(self, arch: str) -> None:
        self._entries: dict[str, Entry] = {}
        super().__init__(path=None, arch=arch)

    def add_key_value(
        self, key: str, val: Any, vtype: gguf.GGUFValueType, sub_type: gguf.GGUFValueType | None = None
    ) -> None:
        """Raises CheckpointError when the value does not fit the key's type: then a JSON file says so."""
        try:
            self._entries[key] = _entry(key, val, vtype, sub_type)
        except (struct.error, OverflowError, TypeError, ValueError, AttributeError, IndexError) as e:
            raise CheckpointError(
                f"The checkpoint gives {key} the value {_short(val)}, which is no {vtype.name.lower()}.",
                "Take config.json and the tokenizer's files from the original checkpoint.",
            ) from e

    def value(self, key: str) -> Any:
        """A value as it will be read from the file; None if there is none."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value()

    @property
    def metadata(self) -> Metadata:
        """All keys, in order."""
        return Metadata(self._entries.values())


def _entry(key: str, val: Any, vtype: gguf.GGUFValueType, sub_type: gguf.GGUFValueType | None) -> Entry:
    if vtype is not gguf.GGUFValueType.ARRAY:
        return scalar(key, int(vtype), val)
    values = list(val)
    kind = gguf.GGUFValueType.get_type(values[0]) if sub_type is None else sub_type
    if sub_type is None and any(type(v) is not type(values[0]) for v in values):
        raise TypeError("values of several types")
    return array(key, int(kind), values)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
