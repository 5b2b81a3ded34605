"""What the window and the worker tell each other about converting. All of it crosses a pipe as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from q8chat.quantize.options import Options
from q8chat.runtime.kernels import KernelShare


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What can be converted. What is not known is "" or 0.

    kind: "checkpoint" (a folder) or "model" (a GGUF file, of shards the first). architecture: the class that a
    checkpoint names, or llama.cpp's name. parameters: number of weights. precision: types of the weights, the
    largest share first. size: bytes of the weights' files. lossy: whether it is quantized already. notes: in
    whole sentences.
    """

    kind: Literal["checkpoint", "model"]
    path: str
    name: str
    size: int
    architecture: str = ""
    parameters: int = 0
    precision: str = ""
    licence: str = ""
    context_length: int = 0
    lossy: bool = False
    notes: tuple[str, ...] = ()


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What an importance matrix is to be made from, and the file it becomes. threads 0: as many as sensible."""

    out: Path
    texts: tuple[Path, ...] = ()
    conversations: bool = False
    threads: int = 0

    @property
    def dataset(self) -> str:
        """What the matrix will say it was collected from, as far as it can be known beforehand."""
        return self.texts[0].name if self.texts else "own conversations"


class AskedLevels(msgspec.Struct, frozen=True, kw_only=True):
    """Which levels to plan, in which order. options.ftype does not matter.

    imatrix: a file. texts: one that will be made first; then sizes are those with it. n_ctx: tokens, 0 the usual.
    freed: bytes that come back when another model makes room.
    """

    source: Source
    levels: tuple[str, ...]
    options: Options
    imatrix: Path | None = None
    texts: Texts | None = None
    n_ctx: int = 0
    freed: int = 0


class LevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One level. size: exact bytes of the file. memory: bytes at the context. types: bytes by tensor type.

    target: where the result goes by itself. warnings: sentences to know before. problem, hint: why it can't be
    made.
    """

    level: str
    size: int = 0
    bits: float = 0.0
    memory: int = 0
    types: dict[str, int] = {}
    kernels: tuple[KernelShare, ...] = ()
    target: str = ""
    warnings: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """n_ctx: the context it is about, in tokens. available: bytes of memory. recommended: a level or ""."""

    path: str
    n_ctx: int
    available: int
    rows: tuple[LevelRow, ...]
    recommended: str = ""
    reason: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a result is to go. free: bytes of its disk. problem: why nothing can be written there."""

    path: str
    exists: bool
    free: int
    problem: str = ""
