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
