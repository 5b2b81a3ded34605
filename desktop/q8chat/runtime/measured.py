"""What models took on this machine: kept in a small file, looked at by people, used for the next prediction.

The engine writes an entry when a model is loaded and again when an answer has shown what the full context takes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from q8chat.core import files, paths
from q8chat.core.errors import DiskFullError
from q8chat.gguf_files.header import Header
from q8chat.runtime import native
from q8chat.runtime.footprint import Footprint
from q8chat.runtime.footprint_base import merges, vocabulary

PARTS = frozenset(field.name for field in fields(Footprint))
KEPT = 200  # entries, the newest
FILE_LIMIT = 1 << 20  # bytes; a larger file is not ours


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration of one model. Bytes.

    identity: of the model, see `identity`. predicted: the parts of `footprint.estimate`; graph: of its compute part
    what llama.cpp calls the compute buffer. buffers: the same parts as llama.cpp allocated them (no base; compute
    without the CPU backend's work buffer). loaded: resident memory after loading. peak: the same at the end of an
    answer, with `used` tokens, without copies of other conversations. full: what peak means for a full context; 0
    as long as no prompt was long enough to tell.
    """

    identity: str
    n_ctx: int
    kv_type: str
    mmap: bool
    architecture: str
    file: str
    build: str
    date: str
    predicted: dict[str, int]
    graph: int
    buffers: dict[str, int]
    loaded: int
    peak: int = 0
    used: int = 0
    full: int = 0

    @property
    def key(self) -> tuple[str, int, str, bool]:
        """One entry is kept for each."""
        return self.identity, self.n_ctx, self.kv_type, self.mmap


def identity(headers: Sequence[Header]) -> str:
    """The same for all models that take the same memory: architecture, tensors and the size of the vocabulary."""
    first = headers[0]
    parts = [first.architecture, str(vocabulary(first)), str(merges(first))]
    parts += [f"{t.name} {t.type_id} {t.shape}" for h in headers for t in h.tensors]
    n_bytes = sum(h.weight_bytes for h in headers)
    return f"{first.architecture}-{n_bytes:x}-{zlib.crc32(chr(10).join(parts).encode()):08x}"


@cache
def build() -> str:
    """Which llama.cpp was measured: another one allocates differently."""
    return native.version()


def now() -> str:
    """ISO 8601, UTC, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def store() -> Path:
    """The file that all of it is in."""
    return paths.data_dir() / "memory.json"


def known() -> list[Measurement]:
    """All entries, the newest last; an absent or damaged file has none."""
    try:
        if store().stat().st_size > FILE_LIMIT:
            return []
        found = msgspec.json.decode(store().read_bytes(), type=list[Measurement])
    except (OSError, msgspec.MsgspecError):
        return []
    return [m for m in found if m.predicted.keys() == PARTS and m.buffers.keys() == PARTS - {"base"}]


def measurements(headers: Sequence[Header]) -> list[Measurement]:
    """What was measured with this model, in any configuration, the newest first."""
    wanted = identity(headers)
    return [m for m in reversed(known()) if m.identity == wanted]


def record(entry: Measurement) -> None:
    """Keep `entry`, in place of an older one of the same configuration; what that knew of a full context stays.

    A disk that is full or can't be written is no reason to disturb a chat: then nothing is kept.
    """
    entries = known()
    old = next((m for m in entries if m.key == entry.key and m.build == entry.build), None)
    if old and old.full and not entry.full:
        entry = msgspec.structs.replace(entry, peak=old.peak, used=old.used, full=old.full)
    entries = [m for m in entries if m.key != entry.key][-(KEPT - 1) :]
    try:
        files.publish(store(), msgspec.json.format(msgspec.json.encode([*entries, entry])) + b"\n")
    except (OSError, DiskFullError):
        return
