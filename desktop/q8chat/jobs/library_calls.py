"""What the window asks about the models on this machine, as calls of the worker."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from q8chat.core.progress import Cancel
from q8chat.library import sources
from q8chat.library.scan import scan, watch_paths
from q8chat.library.types import ScanResult


def scan_chosen(chosen: Sequence[str], cancel: Cancel) -> ScanResult:
    """Every model in our folder, the starter's and the `chosen` ones; `watched` holds what can be watched."""
    result = scan(sources.folders(chosen), cancel)
    return msgspec.structs.replace(result, watched=watch_paths(result))
