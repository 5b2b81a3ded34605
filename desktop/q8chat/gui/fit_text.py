"""How a model fits into memory, in words and signs: for every table of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from q8chat.core import units
from q8chat.jobs.memory_calls import MemoryReport
from q8chat.runtime.footprint import verdict

PARTS = {  # as in Footprint, in the order to show
    "weights_mapped": "Weights, mapped from the file",
    "weights_private": "Weights, read into memory",
    "repacked": "Weights, repacked for this CPU",
    "kv": "KV cache",
    "recurrent": "Recurrent state",
    "compute": "Compute buffers",
    "outputs": "Logits",
    "base": "Program and vocabulary",
}
WORDS = {  # verdict: sign, word, tone (a name of a colour), place when sorted
    "fits": ("✓", "fits", "good", 0),
    "tight": ("!", "tight", "warning", 1),
    "too big": ("✕", "too big", "danger", 2),
    "unknown": ("?", "not known", "muted", 3),
}


@dataclass(frozen=True, slots=True)
class FitView:
    """`reason`: a sentence with the figures."""

    verdict: str
    reason: str = ""

    @property
    def mark(self) -> str:
        """A sign and words, so that nothing depends on colour."""
        sign, word, _, _ = WORDS[self.verdict]
        return f"{sign}  {word}"

    @property
    def tone(self) -> str:
        """The colour's name in the scheme."""
        return WORDS[self.verdict][2]

    @property
    def order(self) -> int:
        """Best first."""
        return WORDS[self.verdict][3]


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One part of the memory, as text; `measured` "" if nobody measured it."""

    label: str
    predicted: str
    measured: str = ""
    total: bool = False


@dataclass(frozen=True, slots=True)
class MemoryView:
    """What the details show. `note`: how far the prediction can be trusted, or what the measurement was."""

    fit: FitView
    rows: tuple[MemoryRow, ...]
    note: str = ""


def fit(total: int, available: int, n_ctx: int) -> FitView:
    """How a model that needs `total` bytes fits into what is available; total 0: nobody knows."""
    if not total:
        return FitView("unknown", "Its memory can't be told from its header.")
    reason = (
        f"{units.size(total)} with a context of {units.count(n_ctx)} tokens; {units.size(available)} are available."
    )
    return FitView(verdict(total, available), reason)


def memory_view(report: MemoryReport, freed: int = 0) -> MemoryView:
    """The figures of one model; beside a measurement stands what had been predicted before it.

    `freed`: bytes that become available when the model that is loaded now makes room.
    """
    fits = fit(sum(report.parts.values()), report.available + freed, report.n_ctx)
    seen = report.measured
    predicted, measured = (seen.predicted, seen.parts) if seen else (report.parts, {})
    rows = [
        MemoryRow(label, _size(predicted, name), _size(measured, name))
        for name, label in PARTS.items()
        if predicted.get(name) or measured.get(name)
    ]
    total, found = sum(predicted.values()), sum(measured.values())
    rows.append(MemoryRow("In all", units.size(total), units.size(found) if found else "", total=True))
    return MemoryView(fits, tuple(rows), _note(report, total, found))


def _size(parts: Mapping[str, int], name: str) -> str:
    return (units.size(parts[name]) if parts.get(name) else "–") if parts else ""


def _note(report: MemoryReport, predicted: int, measured: int) -> str:
    seen = report.measured
    if seen is None:
        return "Corrected by what other models took on this machine." if report.corrected else ""
    if not seen.full:
        return f"Measured right after loading ({seen.date[:10]}); buffers fill up with the first long prompt."
    share = predicted / measured - 1
    return f"Measured {seen.date[:10]}: the prediction was {abs(share):.1%} {'above' if share >= 0 else 'below'}."
