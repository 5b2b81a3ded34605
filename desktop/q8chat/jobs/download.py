"""Downloads as jobs."""

from __future__ import annotations

from q8chat.core.progress import Cancel, Report
from q8chat.hub import download
from q8chat.hub.types import Selection


def run(selection: Selection, progress: Report, cancel: Cancel) -> dict[str, list[str]]:
    """Fetch the files into our model folder. The result has their paths as `files`, in order."""
    return {"files": [str(path) for path in download.download(selection, progress, cancel)]}


def discard(selection: Selection) -> None:
    """Remove what an unfinished download left."""
    download.discard(selection)
