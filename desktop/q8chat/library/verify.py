"""Looking again whether a model is whole and what it should be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from q8chat.core import units
from q8chat.core.errors import LibraryError, ModelFileError
from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.gguf_files.header import read_header
from q8chat.library import origin
from q8chat.library.find import at_path
from q8chat.library.types import Check, LibraryModel, Verification

CHUNK = 4 << 20  # bytes between two looks at `cancel`


def verify(
    path: str,
    progress: Report = no_report,
    cancel: Cancel | None = None,
    models: Sequence[LibraryModel] = (),
) -> Verification:
    """Read all files of the model: headers, sizes, and the checksum where one is known.

    `models`: as in `details`. That something is wrong is in the result. Raises LibraryError when a file can't be
    read, CancelledError.
    """
    model = at_path(path, models)
    checks = [Check(f"{name} is missing.", passed=False) for name in model.missing]
    done = 0

    def read(n: int) -> None:
        nonlocal done
        done += n
        progress(Progress(done, model.size, note="Checking the file"))

    for name in model.files:
        checks += (_header(Path(name)), _checksum(Path(name), read, cancel or Cancel()))
    progress(Progress(model.size, model.size))
    return Verification(model.path, tuple(checks))


def _header(file: Path) -> Check:
    try:
        header = read_header(file)
    except ModelFileError as e:
        return Check(str(e), passed=False)
    whole = f"all {units.count(len(header.tensors))} tensors are there ({units.count(header.file_size)} bytes)"
    return Check(f"{file.name}: the header is complete and {whole}.", passed=True)


def _checksum(file: Path, read: Callable[[int], None], cancel: Cancel) -> Check:
    expected = origin.expected_sha256(file)
    if expected is None:
        return Check(f"{file.name}: no checksum is known to compare it with.", passed=None)
    found = _sha256(file, read, cancel)
    if found == expected.sha256:
        return Check(f"{file.name}: its SHA-256 is what was noted {expected.says}.", passed=True)
    return Check(
        f"{file.name} has changed: its SHA-256 is {found}, noted {expected.says} was {expected.sha256}. "
        "Download it again.",
        passed=False,
    )


def _sha256(file: Path, read: Callable[[int], None], cancel: Cancel) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as f:
            while block := f.read(CHUNK):
                cancel.check()
                digest.update(block)
                read(len(block))
    except OSError as e:
        raise LibraryError(f"{file} can't be read: {e.strerror}.", "Check the disk and permissions.") from e
    return digest.hexdigest()
