"""The table of quantizations in words: cells, the chosen row in sentences, the recommendation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from q8chat.core import units
from q8chat.gui import job_text, place_text
from q8chat.gui.offers import ACTIONS, Offer, State
from q8chat.runtime.kernels import summary

if TYPE_CHECKING:
    from q8chat.jobs.repo_calls import RepoNeeds

NAMED_SHARE = 0.03  # of the weights' bytes: a kernel that does less is not named in the table


@dataclass(frozen=True, slots=True)
class Column:
    """Of the table. width: units of the grid."""

    heading: str
    text: Callable[[Offer], str]
    width: int
    numeric: bool = False


def memory(offer: Offer) -> str:
    """Bytes at the chosen context."""
    if offer.needs is None or offer.is_checkpoint:
        return ""
    return f"{'about ' if offer.needs.about else ''}{units.size(offer.needs.total)}"


def fits(offer: Offer) -> str:
    """Sign and word."""
    return offer.fit.mark if offer.fit else ""


def cpu(offer: Offer) -> str:
    """The kernels that do most of the work, or why the row can't be used."""
    if offer.problem:
        return offer.problem[0].upper() + offer.problem[1:]
    if offer.is_checkpoint:
        return "Weights to convert to GGUF"
    shown = [s for s in offer.needs.kernels if s.share >= NAMED_SHARE] if offer.needs else []
    return ", ".join(f"{s.kernel} {100 * s.share:.0f} %" for s in shown)


def state(offer: Offer) -> str:
    """On this machine, how far it is, or that it can be had."""
    if offer.state == State.RUNNING and offer.record is not None:
        return f"Downloading {100 * offer.record.progress.fraction:.0f} %"
    words = {
        State.AVAILABLE: "Not on this machine",
        State.WAITING: offer.record.progress.note or "Waiting" if offer.record else "Waiting",
        State.PAUSED: f"Paused at {100 * offer.record.progress.fraction:.0f} %" if offer.record else "Paused",
        State.FAILED: "Failed",
        State.HERE: "On this machine",
        State.UNUSABLE: "Can't be used",
    }
    return words[offer.state]


COLUMNS = (
    Column("Type", lambda o: f"★ {o.label}" if o.recommended else o.label, 15),
    Column("Size", lambda o: units.size(o.size), 10, numeric=True),
    Column("Bits", lambda o: f"{o.bits:.2f}" if o.bits else "", 7, numeric=True),
    Column("Memory", memory, 13, numeric=True),
    Column("Fits here", fits, 11),
    Column("On this CPU", cpu, 30),
    Column("State", state, 19),
)


def spoken(offer: Offer, column: Column) -> str:
    """A cell with its heading, for screen readers."""
    text = column.text(offer)
    if column is COLUMNS[0]:
        return f"{offer.label}, recommended" if offer.recommended else offer.label
    return f"{column.heading}: {text or 'not known'}"


def action_label(offer: Offer) -> str:
    """Of the button below the table."""
    if not offer.action:
        return ""
    word = ACTIONS[offer.state][1]
    about = {
        State.AVAILABLE: f" {offer.label} ({units.size(offer.size)})",
        State.HERE: f" with {offer.label}",
    }
    return word + about.get(offer.state, "")


def explained(offer: Offer) -> str:
    """The chosen row in sentences."""
    if offer.problem:
        return f"{offer.label} can't be used: {offer.problem}."
    parts = [_files(offer)]
    if offer.needs is not None and offer.fit is not None:
        about = "About " if offer.needs.about else ""
        parts.append(f"{offer.fit.mark.replace('  ', ' ')}: {about}{offer.fit.reason}")
        if offer.needs.kernels:
            parts.append(f"This CPU: {summary(offer.needs.kernels)}.")
    if offer.record is not None:
        why = f": {offer.record.error.message} {offer.record.error.hint}" if offer.record.error else ""
        parts.append(place_text.in_words(f"{job_text.status(offer.record)}{why}".strip()))
    return "\n".join(parts)


def _files(offer: Offer) -> str:
    name = offer.files[0].path if offer.files else offer.name
    if len(offer.files) == 1:
        return name
    return f"{name} and {len(offer.files) - 1} more files, {units.size(offer.size)} in all"


def recommendation(needs: RepoNeeds | None, rows: Iterable[Offer]) -> str:
    """The sentence above the table."""
    rows = tuple(rows)
    if needs is None:
        return "Working out what fits this machine…" if any(not r.is_checkpoint for r in rows) else ""
    best = next((r for r in rows if r.recommended), None)
    if best is not None:
        return f"★ {best.label} is recommended for this machine. {needs.reason}"
    if needs.rows:
        return f"All need more memory than is available ({units.size(needs.available)}). Choose a smaller model."
    return ""
