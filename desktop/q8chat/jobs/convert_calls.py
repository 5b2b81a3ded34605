"""What the window asks about converting, as calls of the worker. Heavy modules are imported by the calls only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from q8chat.core import paths
from q8chat.core.progress import Cancel
from q8chat.gguf_files import naming
from q8chat.hub.types import Selection
from q8chat.jobs.convert_types import AskedLevels, Levels, Place, Source

MOST = 200  # checkpoints that are listed


def inspect(path: str) -> Source:
    """What lies there. Raises CheckpointError, ModelFileError, QuantizeError."""
    from q8chat.jobs import convert_source

    return convert_source.inspect(Path(path).expanduser().absolute())


def levels(asked: AskedLevels, cancel: Cancel) -> Levels:
    """What each level would give. Raises what `inspect` raises, and QuantizeError for a bad importance matrix."""
    from q8chat.jobs import convert_levels

    return convert_levels.levels(asked, cancel)


def checkpoints() -> list[str]:
    """Folders in our model folder that hold a checkpoint."""
    found = sorted(paths.models_dir().glob("*/*/config.json"))[:MOST]
    return [str(file.parent) for file in found if any(file.parent.glob("*.safetensors"))]


def repo_checkpoint(repo: str) -> Selection:
    """The files to fetch. Raises the errors of the hub."""
    from q8chat.hub.repo import repo_page
    from q8chat.hub.resolve import parse_reference, select_checkpoint

    return select_checkpoint(repo_page(parse_reference(repo).repo, with_card=False))


def place(path: str) -> Place:
    """Whether a result can go there. Never raises for what is wrong with the place."""
    wanted = Path(path)
    folder = next((p for p in wanted.parents if p.is_dir()), None)
    problem = _problem(wanted, folder)
    free = shutil.disk_usage(folder).free if folder else 0
    return Place(path=path, exists=wanted.exists(), free=free, problem=problem)


def _problem(wanted: Path, folder: Path | None) -> str:
    if not naming.is_gguf(wanted.name) or len(wanted.name) <= len(naming.SUFFIX):
        return "The name must end in .gguf."
    if folder is None:
        return f"There is no folder {wanted.parent}."
    if any(p.exists() and not p.is_dir() for p in wanted.parents):
        return f"{wanted.parent} is not a folder."
    if wanted.is_dir():
        return f"{wanted} is a folder."
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"{folder} can't be written to. Choose another folder."
