"""The quantizations of a repository as rows: what is known about each, and what can be done with it now."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from q8chat.core import units
from q8chat.gui import fit_text
from q8chat.gui.fit_text import FitView
from q8chat.hub.types import RemoteFile, RepoPage, Selection
from q8chat.jobs.types import JobRecord, JobState

if TYPE_CHECKING:
    from q8chat.jobs.repo_calls import RepoNeeds, RowNeeds
    from q8chat.library.types import LibraryModel

CHECKPOINT = "Checkpoint"
CONTEXTS = (4096, 8192, 16384, 32768)  # tokens; and the longest the model was made for
USUAL_CTX = 8192


class State(StrEnum):
    """What a row can do now."""

    AVAILABLE = "available"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    HERE = "here"
    UNUSABLE = "unusable"


_OF_JOBS = {
    JobState.QUEUED: State.WAITING,
    JobState.RUNNING: State.RUNNING,
    JobState.PAUSED: State.PAUSED,
    JobState.CANCELLING: State.WAITING,
    JobState.FAILED: State.FAILED,
}
ACTIONS = {  # state: what the button does and says
    State.AVAILABLE: ("download", "Download"),
    State.WAITING: ("show", "Show downloads"),
    State.RUNNING: ("show", "Show downloads"),
    State.PAUSED: ("resume", "Resume"),
    State.FAILED: ("retry", "Try again"),
    State.HERE: ("chat", "Chat"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A row. `needs` None: not known yet. `path`: of the file to load when it is on this machine."""

    name: str
    label: str
    files: tuple[RemoteFile, ...]
    size: int
    bits: float = 0.0
    problem: str = ""
    needs: RowNeeds | None = None
    fit: FitView | None = None
    recommended: bool = False
    state: State = State.AVAILABLE
    record: JobRecord | None = None
    path: str = ""

    @property
    def is_checkpoint(self) -> bool:
        """Weights to convert, not to load."""
        return self.label == CHECKPOINT

    @property
    def action(self) -> str:
        """What can be done: a key of the page's actions, "" for nothing."""
        return ACTIONS.get(self.state, ("", ""))[0] if not (self.is_checkpoint and self.state == State.HERE) else ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the state of a row depends on: models on this machine, jobs, and our folder of models.

    fresh: ids of downloads that are done and that the library has not seen yet.
    """

    models: tuple[LibraryModel, ...]
    records: tuple[JobRecord, ...]
    own_folder: str
    fresh: Container[str] = ()


def offers(page: RepoPage, needs: RepoNeeds | None, around: Surroundings) -> tuple[Offer, ...]:
    """All rows of a page, with what is known about them now."""
    rows = [
        Offer(q.name, q.label or q.name, q.files, q.size, q.bits_per_weight, q.problem) for q in page.quantizations
    ]
    if page.checkpoint:
        size = sum(f.size for f in page.checkpoint)
        rows.append(Offer(name_of_checkpoint(page), CHECKPOINT, page.checkpoint, size))
    sizes = {file: m.size for m in around.models for file in m.files}
    jobs = {_names(r): r for r in around.records if r.kind == "download"}
    return tuple(
        _with_state(_with_needs(row, needs), page, jobs.get((page.repo, row.name)), sizes, around) for row in rows
    )


def name_of_checkpoint(page: RepoPage) -> str:
    """As `hub.resolve.select_checkpoint` names it."""
    return page.repo.rpartition("/")[2]


def _names(record: JobRecord) -> tuple[str, str]:
    chosen = record.params.get("selection", {})
    return chosen.get("repo", ""), chosen.get("name", "")


def _with_needs(row: Offer, needs: RepoNeeds | None) -> Offer:
    known = next((n for n in needs.rows if n.name == row.name), None) if needs and not row.is_checkpoint else None
    if needs is None or known is None:
        return row
    fit = fit_text.fit(known.total, needs.available, needs.n_ctx)
    return replace(row, needs=known, fit=fit, recommended=needs.recommended == row.name)


def _with_state(
    row: Offer, page: RepoPage, record: JobRecord | None, sizes: dict[str, int], around: Surroundings
) -> Offer:
    if row.problem:
        return replace(row, state=State.UNUSABLE)
    if record is not None and record.state in _OF_JOBS:
        return replace(row, state=_OF_JOBS[record.state], record=record)
    place = Path(around.own_folder, *page.repo.split("/"), *row.files[0].path.split("/"))
    is_done = record is not None and record.state == JobState.DONE
    fetched = is_done and record is not None and (row.is_checkpoint or record.id in around.fresh)
    if sizes.get(str(place)) == row.size or fetched:
        return replace(row, state=State.HERE, path=str(place))
    return row


def selection(page: RepoPage, offer: Offer) -> Selection:
    """What to fetch."""
    return Selection(
        repo=page.repo,
        revision=page.revision,
        label="" if offer.is_checkpoint else offer.label,
        name=offer.name,
        files=offer.files,
        size=offer.size,
        licence=page.licence,
    )


def title(page: RepoPage, offer: Offer) -> str:
    """Of the download."""
    return f"{page.repo.rpartition('/')[2]} · {offer.label}"


def contexts(trained: int) -> tuple[tuple[str, int], ...]:
    """What the list of context lengths offers, as text and tokens."""
    shown = [(units.count(n), n) for n in CONTEXTS if not trained or n < trained]
    return (*shown, (f"{units.count(trained)} (longest)", trained)) if trained else tuple(shown)
