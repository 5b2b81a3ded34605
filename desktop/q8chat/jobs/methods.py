"""What the worker can be asked: one line for each method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from q8chat.hub.types import RepoPage, SearchPage, Selection
from q8chat.jobs.memory_calls import MemoryReport, Needs
from q8chat.library.types import KnownFolder, ModelDetails, ScanResult, Verification
from q8chat.runtime.memory import Fit


@dataclass(frozen=True, slots=True)
class Method:
    """`target`: "module:function", imported by the worker only. `result`: the type it returns.

    The function's parameters are converted to the types they are annotated with; a parameter named `progress` or
    `cancel` is given by the worker.
    """

    target: str
    result: Any


METHODS: Mapping[str, Method] = {
    "library.scan": Method("q8chat.jobs.library_calls:scan_chosen", ScanResult),
    "library.known_folders": Method("q8chat.library.sources:known_folders", tuple[KnownFolder, ...]),
    "library.details": Method("q8chat.library.details:details", ModelDetails),
    "library.verify": Method("q8chat.library.verify:verify", Verification),
    "library.rename": Method("q8chat.library.change:rename", str),
    "library.delete": Method("q8chat.library.change:delete", None),
    "library.note_used": Method("q8chat.library.usage:note_used", None),
    "library.needs": Method("q8chat.jobs.memory_calls:needs", Needs),
    "hub.search": Method("q8chat.hub.search:search", SearchPage),
    "hub.repo_page": Method("q8chat.hub.repo:repo_page", RepoPage),
    "hub.resolve": Method("q8chat.hub.resolve:resolve", Selection),
    "hub.fit": Method("q8chat.jobs.hub_calls:fit", Fit),
    "library.memory": Method("q8chat.jobs.memory_calls:report", MemoryReport),
}
