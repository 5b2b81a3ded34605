"""The GGUF's keys in the order they are added, typed by gguf's own writer methods (`add_block_count`, ...)."""

from __future__ import annotations

import struct
from typing import Any

import gguf

from q8chat.core.errors import CheckpointError

_FORMATS = {"UINT8": "B", "INT8": "b", "UINT16": "H", "INT16": "h", "UINT32": "I", "INT32": "i", "FLOAT32": "f"}
_FORMATS |= {"UINT64": "Q", "INT64": "q", "FLOAT64": "d", "BOOL": "?"}


class Keys(gguf.GGUFWriter):
    """A writer that writes nothing: it only remembers. Adding a key again replaces its value, not its place."""

    def __init__(self, arch: str) -> None:
        super().__init__(path=None, arch=arch)

    def add_key_value(
        self, key: str, val: Any, vtype: gguf.GGUFValueType, sub_type: gguf.GGUFValueType | None = None
    ) -> None:
        """Raises CheckpointError when the value does not fit the key's type: it then stands so in config.json."""
        code = _FORMATS.get(vtype.name)
        try:
            if code is not None:
                struct.pack(f"<{code}", val)
        except (struct.error, OverflowError, TypeError) as e:
            raise CheckpointError(
                f"config.json gives {key} the value {val!r}, which is no {vtype.name.lower()}.",
                "Take config.json from the original checkpoint.",
            ) from e
        self.kv_data[0][key] = gguf.gguf_writer.GGUFValue(value=val, type=vtype, sub_type=sub_type)

    @property
    def values(self) -> dict[str, gguf.gguf_writer.GGUFValue]:
        """key -> value with its type, in order."""
        return self.kv_data[0]
