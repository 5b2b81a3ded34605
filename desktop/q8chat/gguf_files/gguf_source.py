"""A GGUF file, or all shards of one, as a source of tensors."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from q8chat.core.errors import ModelFileError
from q8chat.gguf_files import naming
from q8chat.gguf_files.header import Header, read_header
from q8chat.gguf_files.metadata import Metadata, read_metadata
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES

_AGAIN = "Download or copy the file again."


class _Place(NamedTuple):
    part: int
    offset: int  # from the start of the file


class _Handle(threading.local):
    part = -1
    file: FileIO | None = None


class GgufSource:
    """Plain reads instead of mmap: memory stays small, and a file that shrinks is an error, not a crash.

    Raises ModelFileError: not a model, shards missing or not belonging together, tensors of unknown types.
    """

    def __init__(self, path: Path) -> None:
        headers = [read_header(p) for p in _shard_paths(path)]
        self.path = headers[0].path
        self.metadata: Metadata = read_metadata(headers[0])
        self._paths = [h.path for h in headers]
        self._stats = [_stat(p) for p in self._paths]
        self.tensors: Sequence[TensorSpec] = [_spec(h, n) for h in headers for n in range(len(h.tensors))]
        self._places = [_Place(n, h.data_offset + t.offset) for n, h in enumerate(headers) for t in h.tensors]
        self._check_parts(headers)
        self._local = _Handle()
        self._open: set[FileIO] = set()

    @property
    def name(self) -> str:
        """The (first) file's name."""
        return self.path.name

    @property
    def identity(self) -> str:
        """Paths, sizes and times of all files."""
        return "\n".join(f"{p.absolute()} {s}" for p, s in zip(self._paths, self._stats, strict=True))

    @property
    def paths(self) -> Sequence[Path]:
        """All files that belong to it."""
        return self._paths

    def read(self, index: int, first_row: int, n_rows: int, into: memoryview) -> None:
        """See `TensorSource.read`."""
        part, offset = self._places[index]
        spec = self.tensors[index]
        f = self._file(part)
        try:
            f.seek(offset + first_row * spec.row_bytes)
            rest = into
            while rest.nbytes:
                n = f.readinto(rest)
                if not n:
                    raise self._changed(part)
                rest = rest[n:]
        except OSError as e:
            raise ModelFileError(
                f"{self._paths[part]} can't be read at {spec.name}: {e.strerror}.", "Check the disk it is on."
            ) from e

    def check_unchanged(self) -> None:
        """See `TensorSource.check_unchanged`."""
        for n, path in enumerate(self._paths):
            if _stat(path) != self._stats[n]:
                raise self._changed(n)

    def close(self) -> None:
        """See `TensorSource.close`."""
        while self._open:
            self._open.pop().close()

    def _file(self, part: int) -> FileIO:
        """This thread's own handle, so that threads do not move each other's position; one file at a time."""
        own = self._local
        if own.part != part:
            if own.file:
                own.file.close()
                self._open.discard(own.file)
            own.part, own.file = -1, None
            own.file = self._opened(part)
            own.part = part
        assert own.file is not None
        return own.file

    def _opened(self, part: int) -> FileIO:
        try:
            f = self._paths[part].open("rb", buffering=0)
        except OSError as e:
            raise self._changed(part) from e
        self._open.add(f)
        if _figures(os.fstat(f.fileno())) != self._stats[part]:
            raise self._changed(part)
        return f

    def _changed(self, part: int) -> ModelFileError:
        return ModelFileError(
            f"{self._paths[part].name} changed while it was read.", "Start again when nothing writes to it."
        )

    def _check_parts(self, headers: list[Header]) -> None:
        names = [t.name for t in self.tensors]
        if len(set(names)) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise ModelFileError(f"{self.name} has the tensor {twice!r} twice.", _AGAIN)
        expected = self.metadata.get("split.tensors.count", len(names))
        if expected != len(names):
            raise ModelFileError(
                f"{self.name} and its other parts have {len(names)} of {expected} tensors.", _AGAIN
            )
        for n, header in enumerate(headers):
            if header.metadata.get("split.no", n) != n:
                raise ModelFileError(f"{header.path.name} is not part {n + 1} of the model.", _AGAIN)


def _shard_paths(path: Path) -> list[Path]:
    """The file itself, or all shards in order if it is one of them."""
    part = naming.shard(path.name)
    if part is None:
        total = read_header(path).metadata.get("split.count", 1)
        if isinstance(total, int) and total > 1:
            raise ModelFileError(
                f"{path.name} is one of {total} parts of a model, but its name does not tell which.",
                f"Give the parts names like {naming.shard_name('model', 1, total)}.",
            )
        return [path]
    paths = [path.with_name(naming.shard_name(part.base, n, part.total)) for n in range(1, part.total + 1)]
    missing = [p.name for p in paths if not p.exists()]
    if missing:
        raise ModelFileError(f"{missing[0]} is missing beside {path.name}.", "Download the other parts too.")
    return paths


def _stat(path: Path) -> str:
    try:
        return _figures(path.stat())
    except OSError as e:
        raise ModelFileError(f"{path} can't be read: {e.strerror}.", "Check the path.") from e


def _figures(stat: os.stat_result) -> str:
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _spec(header: Header, n: int) -> TensorSpec:
    t = header.tensors[n]
    kind = TYPES.get(t.type_id)
    if kind is None:
        raise ModelFileError(
            f"{t.name} in {header.path.name} has type {t.type_id}, which this version does not know.",
            "A newer version of Q8 Chat may.",
        )
    spec = TensorSpec(t.name, t.shape, t.type_id)
    if spec.row_length % kind.block:
        raise ModelFileError(
            f"{t.name} in {header.path.name} has rows of {spec.row_length}, which {kind.name} can't hold.", _AGAIN
        )
    return spec
