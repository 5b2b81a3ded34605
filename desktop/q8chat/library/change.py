"""Renaming models and moving them to the bin: only in our own folder, all shards and what is known about them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from q8chat.core import files, paths
from q8chat.core.errors import LibraryError
from q8chat.gguf_files import naming, provenance
from q8chat.library import usage
from q8chat.library.find import at_path
from q8chat.library.types import LibraryModel

# Names and characters some system or file system refuses; a model folder may be on a disk that several share.
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_FORBIDDEN = frozenset('/\\:*?"<>|')
MAX_NAME = 255  # bytes, in most file systems


def rename(path: str, new_name: str) -> str:
    """Give the model `path` another name, all shards and the files about it too; returns the new path.

    Raises LibraryError when it is not in our folder, the name can't be used or is taken, or the disk refuses.
    Nothing is ever overwritten; when one of several files can't be renamed, none is.
    """
    model = _own(path)
    base = new_name[: -len(naming.SUFFIX)] if naming.is_gguf(new_name) else new_name
    _check_name(base, Path(model.path))
    moves = _moves(model, base)
    if moves[0][0] == moves[0][1]:
        return model.path
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in moves:
            files.reveal(old, new)
            done.append((old, new))
    except OSError as e:
        for old, new in reversed(done):
            with suppress(OSError):  # as far as possible; the first error is the one to tell
                files.reveal(new, old)
        if isinstance(e, FileExistsError):
            raise LibraryError(
                f"There is already a file {moves[len(done)][1].name}.", "Choose another name."
            ) from e
        raise _refused(model, "renamed", e) from e
    usage.note_renamed(model.path, str(moves[0][1]))
    return str(moves[0][1])


def delete(path: str) -> None:
    """Move the model `path` to the bin, all shards and the files about it too.

    Raises LibraryError when it is not in our folder or the disk has no bin; the model is then where it was.
    """
    from send2trash import send2trash  # slow to import: it looks for the desktop's libraries

    model = _own(path)
    everything = [Path(name) for name in model.files]
    everything += [side for name in everything if (side := provenance.sidecar(name)).is_file()]
    for n, file in enumerate(everything):
        try:
            send2trash(file)
        except OSError as e:
            gone = f" {n} of its {len(everything)} files are in the bin already." if n else ""
            raise LibraryError(
                f"{file.name} can't be moved to the bin: {e.strerror or e}.{gone}",
                "Check the permissions and whether this disk has a bin, or delete it in the file manager.",
            ) from e


def check_own(model: LibraryModel) -> None:
    """Raises LibraryError unless the model lies in our own folder, not outside of it by way of a link."""
    place = os.path.realpath(Path(model.path).parent)
    if not Path(place).is_relative_to(os.path.realpath(paths.models_dir())):
        raise LibraryError(
            f"{model.path} does not belong to Q8 Chat, so it is left as it is.",
            "Change it with the application or the file manager it belongs to.",
        )


def _own(path: str) -> LibraryModel:
    model = at_path(path)
    check_own(model)
    return model


def _moves(model: LibraryModel, base: str) -> list[tuple[Path, Path]]:
    moves = [(old, old.with_name(_file_name(base, old))) for old in map(Path, model.files)]
    sides = [(provenance.sidecar(old), provenance.sidecar(new)) for old, new in moves]
    return moves + [(old, new) for old, new in sides if old.is_file()]


def _file_name(base: str, old: Path) -> str:
    shard = naming.shard(old.name)
    return naming.shard_name(base, shard.number, shard.total) if shard else base + naming.SUFFIX


def _check_name(base: str, old: Path) -> None:
    """Raises LibraryError for a name that some system can't have, or that would not be found as a model again."""
    bad = sorted({c for c in base if c in _FORBIDDEN or not c.isprintable()})
    signs = " ".join(c if c.isprintable() else ascii(c)[1:-1] for c in bad)
    longest = (
        f".{_file_name(base, old)}.q8chat.json.0000000.part"  # what is written beside it when it is downloaded
    )
    no_model = naming.is_projector(base) or naming.is_imatrix(base) or naming.shard(base + naming.SUFFIX)
    reasons = (
        (not base.strip(), "it is empty"),
        (bool(bad), f"it contains {signs}"),
        (base.startswith(".") or base.endswith(".") or base != base.strip(), "a dot or a space is at its ends"),
        (base.split(".", maxsplit=1)[0].strip().lower() in _RESERVED, "it is reserved on other systems"),
        (len(longest.encode("utf-8", "replace")) > MAX_NAME, "it is too long"),
        (bool(no_model), "files that are no models of their own are called so"),
    )
    reason = next((text for wrong, text in reasons if wrong), "")
    if reason:
        raise LibraryError(f"A model can't be called {base!r}: {reason}.", "Choose another name.")


def _refused(model: LibraryModel, what: str, error: OSError) -> LibraryError:
    why = "its folder is read-only" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else error.strerror
    return LibraryError(f"{model.name} can't be {what}: {why}.", "Check the permissions of the folder.")
