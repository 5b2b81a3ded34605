"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from q8chat.core.errors import DiskFullError


def publish(path: Path, data: bytes) -> None:
    """Write `data` under `path` atomically: a `.part` beside it, flushed to disk, renamed.

    Raises DiskFullError when there is no room; the old file is then still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"No space left on the disk to write {path}.", "Free some space and try again."
            ) from e
        raise


def reveal(part: Path, path: Path) -> None:
    """Give a finished and flushed `part` its name, which must be free, and make that last a power failure.

    Raises FileExistsError (both files are as they were) or OSError.
    """
    try:
        os.link(part, path)  # unlike a rename it never replaces what is there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.rename(path)
    else:
        part.unlink()
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and needs no flush
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
