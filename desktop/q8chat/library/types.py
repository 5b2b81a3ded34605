"""What the library tells about models on this machine. All of it can cross a pipe as JSON (msgspec).

Paths are absolute text. A file whose name is no valid text never becomes a model, it is a Problem.
"""

from __future__ import annotations

import msgspec

from q8chat.gguf_files.provenance import Provenance


class Folder(msgspec.Struct, frozen=True):
    """A place where models are looked for.

    `source`: "Q8 Chat", "Starter", the name of an application, or the path itself for a folder the user added.
    `writable`: whether we may rename and delete there; only in our own folder.
    """

    path: str
    source: str
    writable: bool = False


class KnownFolder(msgspec.Struct, frozen=True):
    """A model folder of another application that exists here; read only when the user has `chosen` it."""

    path: str
    app: str
    chosen: bool


class TypeShare(msgspec.Struct, frozen=True):
    """How much of a model is stored in one tensor type. `share`: of the bytes of all tensors, 0..1."""

    name: str
    n_tensors: int
    n_bytes: int
    share: float


class LibraryModel(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a file, or all shards of one model. What is not known is "" or 0.

    `path`: the file to load (of shards the first). `files`: all that exist, in order. `name`: file name without
    suffix and shard number; with Ollama `model:tag`. `repo`: `publisher/repo` if the place or the file tells.
    `architecture`: as llama.cpp calls it ("llama", "qwen3"). `parameters`: number of weights. `quantization`:
    "Q4_K_M"; `mix`: tensor types by share of bytes, largest first. `size`: bytes of all files. `context_length`:
    tokens the model was trained for. `folder`: the one it was found in, `source`: see Folder. `missing`: names of
    shards that are not there, the first hundred. `problem`: why it can't be used, "" if it can. `last_used`: ISO
    8601, UTC.
    """

    path: str
    files: tuple[str, ...]
    name: str
    size: int
    source: str
    folder: str
    writable: bool = False
    repo: str = ""
    architecture: str = ""
    parameters: int = 0
    quantization: str = ""
    mix: tuple[TypeShare, ...] = ()
    context_length: int = 0
    licence: str = ""
    has_template: bool = False
    shards: int = 1
    missing: tuple[str, ...] = ()
    problem: str = ""
    last_used: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can be loaded as far as its header tells."""
        return not self.problem


class Problem(msgspec.Struct, frozen=True):
    """Something that could not be read: a folder, a file with an impossible name. Texts as in core.errors."""

    path: str
    message: str
    hint: str = ""


class ScanResult(msgspec.Struct, frozen=True):
    """What was found. `watched`: folders whose change means that a new scan would find something else."""

    models: tuple[LibraryModel, ...]
    problems: tuple[Problem, ...] = ()
    watched: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """A line of the details: what it is, in plain words, and its value as text."""

    label: str
    value: str


class ModelDetails(msgspec.Struct, frozen=True):
    """More about one model. `provenance`: where it came from if known. `sha256`: what it should be, or ""."""

    model: LibraryModel
    rows: tuple[Row, ...] = ()
    template: str = ""
    types: tuple[TypeShare, ...] = ()
    provenance: Provenance = Provenance()
    sha256: str = ""


class Check(msgspec.Struct, frozen=True):
    """One thing that was verified. `passed` None: could not be checked, the text says why."""

    text: str
    passed: bool | None


class Verification(msgspec.Struct, frozen=True):
    """Outcome of a verification."""

    path: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was found to be wrong."""
        return all(check.passed is not False for check in self.checks)
