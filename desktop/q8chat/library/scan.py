"""Looking for models in all folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.library import usage
from q8chat.library.cache import HeaderCache
from q8chat.library.layouts import layout
from q8chat.library.patience import Pulse, together
from q8chat.library.rows import Part, group, row
from q8chat.library.sources import OWN, STARTER
from q8chat.library.types import Folder, LibraryModel, Problem, ScanResult
from q8chat.library.walk import Walked, is_text, shown

PATIENCE = 10.0  # seconds a disk may take for one step
MAX_WATCHED = 1000  # folders; the system has a limit for all programs together


def scan(
    folders: Sequence[Folder],
    cancel: Cancel | None = None,
    progress: Report = no_report,
    cache: HeaderCache | None = None,
) -> ScanResult:
    """Every model in `folders`; one that several folders lead to is told of the first of them.

    `progress` counts files; how many there will be is not known.
    Never raises for what is on the disk: what can't be read is among the problems. Raises CancelledError.
    """
    cache, cancel = cache or HeaderCache(), cancel or Cancel()
    counts: list[list[Part]] = [[] for _ in folders]

    def wait() -> None:
        cancel.check()
        progress(Progress(sum(map(len, counts)), unit="files", note="Reading model files"))

    works = [partial(_look, folder, cache, parts) for folder, parts in zip(folders, counts, strict=True)]
    looks = together(works, PATIENCE, wait)
    used, seen = usage.read(), set[str]()
    models: list[LibraryModel] = []
    problems: list[Problem] = []
    watched: list[str] = []
    for folder, look in zip(folders, looks, strict=True):
        if look is None:
            text = f"{shown(folder.path)} does not answer."
            problems.append(Problem(shown(folder.path), text, "Check the disk or the network it is on."))
            continue
        walked, parts = look
        problems += walked.problems
        watched += walked.folders
        models += [model for files in _fresh(parts, seen) if (model := row(folder, files, used))]
    read = {found.path for look in looks if look for found, _ in look[1]}
    cache.save(read, [f.path for f, look in zip(folders, looks, strict=True) if look and not look[0].problems])
    models.sort(key=lambda model: (model.name.casefold(), model.path))
    return ScanResult(tuple(models), tuple(problems), tuple(dict.fromkeys(watched)))


def watch_paths(result: ScanResult) -> tuple[str, ...]:
    """Folders to watch, the outer ones first: a change in one of them is worth a new scan."""
    return tuple(sorted(result.watched, key=lambda path: path.count(os.sep))[:MAX_WATCHED])


def _look(folder: Folder, cache: HeaderCache, parts: list[Part], pulse: Pulse) -> tuple[Walked, list[Part]]:
    walked = Walked()
    try:
        os.listdir(folder.path)  # noqa: PTH208 - the names are not wanted, only whether they can be read
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a NUL in the settings
        _absent(folder, walked)
        return walked, parts
    except OSError as e:
        walked.trouble(folder.path, e)
        return walked, parts
    for found in layout(Path(folder.path))(folder, walked, pulse):
        pulse.beat()
        parts.append((found, cache.summary(found.path, found.info)))
    return walked, parts


def _absent(folder: Folder, walked: Walked) -> None:
    """Our own folder is made by the first download; until then the one it will be in is watched."""
    if folder.source not in (OWN, STARTER):
        text = f"{shown(folder.path)} is not there."
        walked.problems.append(
            Problem(shown(folder.path), text, "Connect the disk it is on, or leave the folder out.")
        )
    above = next((str(p) for p in Path(folder.path).parents if os.path.isdir(p)), "")  # noqa: PTH112 - never raises
    if above and is_text(above):
        walked.folders.append(above)


def _fresh(parts: list[Part], seen: set[str]) -> Iterator[list[Part]]:
    """The files of each model; one whose files were all met before under other names is left out."""
    for files in group(parts):
        reals = {found.real for found, _ in files}
        if not reals <= seen:
            yield files
        seen |= reals
