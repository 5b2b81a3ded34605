"""Which file was measured: the SHA-256 of all it consists of, computed once and remembered while it is the same."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import msgspec

from q8chat.core import files, paths
from q8chat.core.errors import EvaluateError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.evaluate.types import FileId
from q8chat.gguf_files import naming
from q8chat.gguf_files.header import read_header

WITHOUT_DECODER = ("clip", "t5encoder", "t5")  # t5 has one, but what it reads is not what it writes
READ = 4 << 20  # bytes between two looks at `cancel`

# size, mtime in ns, inode of every part: another file under the same name has others
State = tuple[tuple[int, int, int], ...]


class _Known(msgspec.Struct, frozen=True, array_like=True):
    state: State
    id: FileId


def parts(model: Path) -> list[Path]:
    """The file, or all its shards."""
    part = naming.shard(model.name)
    if part is None:
        return [model]
    return [model.with_name(naming.shard_name(part.base, n, part.total)) for n in range(1, part.total + 1)]


def state(model: Path) -> State:
    """What changes when a file is replaced. Raises EvaluateError if one is missing."""
    try:
        found = [part.stat() for part in parts(model)]
    except (OSError, ValueError) as e:
        raise EvaluateError(f"There is no model {model}.", "Check the path.") from e
    return tuple((s.st_size, s.st_mtime_ns, s.st_ino) for s in found)


def known(model: Path) -> FileId | None:
    """The id of `model` if it was computed before and the file has not changed; reads no model."""
    with suppress(OSError, msgspec.MsgspecError, EvaluateError):
        noted = msgspec.json.decode(_note(model).read_bytes(), type=_Known)
        if noted.state == state(model):
            return noted.id
    return None


def identify(model: Path, progress: Report, cancel: Cancel) -> FileId:
    """The id of `model`; the first time all of it is read.

    Raises EvaluateError (also if it is no model that writes text), ModelFileError, CancelledError.
    """
    before = state(model)
    if found := known(model):
        return found
    _check_kind(model)
    whole, done, total = hashlib.sha256(), 0, sum(size for size, *_ in before)
    for part in parts(model):
        try:
            with part.open("rb") as f:
                while block := f.read(READ):
                    cancel.check()
                    whole.update(block)
                    done += len(block)
                    progress(Progress(done, total, "bytes", f"Identifying {model.name}"))
        except OSError as e:
            raise EvaluateError(f"{part} can't be read: {e.strerror}.", "Check the disk and permissions.") from e
    check_same(model, before)
    found = FileId(model.name, total, whole.hexdigest())
    files.publish(_note(model), msgspec.json.encode(_Known(before, found)))
    return found


def check_same(model: Path, before: State) -> None:
    """Raises EvaluateError if the file is not the one that had `before`."""
    try:
        same = state(model) == before
    except EvaluateError:
        same = False
    if not same:
        raise EvaluateError(
            f"{model.name} was changed or removed while it was measured.", "Measure again when it is complete."
        )


def _check_kind(model: Path) -> None:
    header = read_header(model)
    arch = header.architecture
    if header.metadata.get(f"{arch}.attention.causal") is False or arch in WITHOUT_DECODER:
        raise EvaluateError(
            f"{model.name} can't be measured: {arch} models don't write text.",
            "Choose a model for writing or chat.",
        )


def _note(model: Path) -> Path:
    name = hashlib.sha256(bytes(model.resolve())).hexdigest()
    return paths.cache_dir() / "measure" / f"file-{name[:32]}.json"
