"""Finding model files below a folder, whatever is in the way: link loops, odd names, unreadable folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from q8chat.gguf_files import naming
from q8chat.library.patience import Pulse
from q8chat.library.types import Problem

MAX_ENTRIES = 200_000  # files and folders looked at below one folder
ODD_NAME = "Its name is not valid text (UTF-8), so it can't be shown or opened."


@dataclass(frozen=True, slots=True)
class Found:
    """A model file. `real`: without links. `sidecar`: whether a file beside it tells where it came from.

    `name`, `repo`, `sha256`: as far as the place tells, else "".
    """

    path: str
    real: str
    info: os.stat_result
    sidecar: bool = False
    name: str = ""
    repo: str = ""
    sha256: str = ""


@dataclass(slots=True)
class Walked:
    """What was found below one folder; `folders` are those looked into."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    visited: set[tuple[int, int]] = field(default_factory=set)
    entries: int = 0

    def trouble(self, path: str, error: OSError) -> None:
        """Something can't be read."""
        what = (error.strerror or "it can't be read").rstrip(".")
        self.problems.append(
            Problem(shown(path), f"{shown(path)} can't be read: {what}.", "Check the disk and permissions.")
        )


def shown(path: str) -> str:
    """The path as text that can be shown and encoded, odd bytes replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def is_text(path: str) -> bool:
    """Whether the name is valid text. Others can't cross a pipe, nor be shown by Qt as what they are."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def model_files(root: str, walked: Walked, pulse: Pulse) -> Iterator[Found]:
    """All .gguf files below `root` that may be models, hidden folders left out, in the order of their names.

    Each folder is looked into once, however many links lead to it.
    """
    stack = [root]
    while stack:
        pulse.beat()
        folder = stack.pop()
        try:
            entries = _listed(folder, walked)
        except OSError as e:
            walked.trouble(folder, e)
            continue
        walked.entries += len(entries)
        if walked.entries > MAX_ENTRIES:
            text = f"{shown(root)} has more than {MAX_ENTRIES:,} files; the rest was not looked at."
            walked.problems.append(Problem(shown(root), text, "Choose a folder that has the models only."))
            return
        names = {entry.name for entry in entries}
        real = os.path.realpath(folder)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if is_folder(entry):
                stack.append(entry.path)
            elif naming.is_gguf(entry.name):
                pulse.beat()
                yield from _file(entry, real, f".{entry.name}.q8chat.json" in names, walked)


def _listed(folder: str, walked: Walked) -> list[os.DirEntry[str]]:
    """What is in `folder`, sorted; nothing if it was visited before. Raises OSError."""
    info = os.stat(folder)  # noqa: PTH116 - text in, text out: a Path for each of 200,000 entries would cost seconds
    key = info.st_dev, info.st_ino
    if key in walked.visited:
        return []
    walked.visited.add(key)
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    if is_text(folder):
        walked.folders.append(folder)
    return entries


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _file(entry: os.DirEntry[str], real_folder: str, sidecar: bool, walked: Walked) -> Iterator[Found]:
    path = entry.path
    if naming.is_projector(entry.name) or naming.is_imatrix(entry.name):
        return
    if not is_text(path):
        walked.problems.append(Problem(shown(path), f"{shown(path)}: {ODD_NAME}", "Rename it."))
        return
    try:
        if entry.is_file():
            linked = entry.is_symlink()
            real = os.path.realpath(path) if linked else os.path.join(real_folder, entry.name)  # noqa: PTH118
            yield Found(path, real, entry.stat(), sidecar)
        elif entry.is_symlink():
            text = f"{path} is a link to a file that is not there."
            walked.problems.append(Problem(path, text, "Connect the disk it is on, or download the model again."))
    except OSError as e:
        walked.trouble(path, e)
