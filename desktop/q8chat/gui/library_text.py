"""The models on this machine in words: columns of the table, facts, sentences. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from q8chat.core import units
from q8chat.gui import place_text
from q8chat.gui.fit_text import FitView
from q8chat.library.types import LibraryModel

FAMILIES = {  # as the families call themselves; others are shown as llama.cpp calls them
    "llama": "Llama",
    "llama4": "Llama 4",
    "qwen2": "Qwen 2",
    "qwen2moe": "Qwen 2 MoE",
    "qwen3": "Qwen 3",
    "qwen3moe": "Qwen 3 MoE",
    "gemma": "Gemma",
    "gemma2": "Gemma 2",
    "gemma3": "Gemma 3",
    "gemma3n": "Gemma 3n",
    "phi2": "Phi 2",
    "phi3": "Phi 3",
    "deepseek2": "DeepSeek 2",
    "smollm3": "SmolLM 3",
    "granite": "Granite",
    "mamba": "Mamba",
    "mamba2": "Mamba 2",
    "gpt2": "GPT-2",
    "gpt-oss": "gpt-oss",
    "falcon": "Falcon",
    "mistral3": "Mistral 3",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: a model, whether it is the one that is loaded, and what is known about its memory (None: not yet)."""

    model: LibraryModel
    loaded: bool = False
    fit: FitView | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """`order` gives what to sort by: numbers, or text in small letters."""

    heading: str
    text: Callable[[Entry], str]
    order: Callable[[Entry], str | float]
    numeric: bool = False


def family(model: LibraryModel) -> str:
    """The architecture's own name."""
    return FAMILIES.get(model.architecture, model.architecture)


def parameters(n: int) -> str:
    """135M, 1.2B, 70B; "" if not known."""
    for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if n >= 0.9995 * size:
            value = n / size
            return f"{value:.1f}{letter}".replace(".0", "") if value < 9.95 else f"{value:.0f}{letter}"
    return str(n) if n else ""


def when(iso: str, now: datetime | None = None) -> str:
    """A time in ISO 8601 as a day near today or a date; "" stays ""."""
    moment = _moment(iso)
    if moment is None:
        return ""
    today = (now or datetime.now(UTC)).astimezone().date()
    day = moment.astimezone().date()
    days = (today - day).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    return f"{days} days ago" if 1 < days < 7 else day.isoformat()


def _moment(iso: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _last_used(entry: Entry) -> float:
    moment = _moment(entry.model.last_used)
    return moment.timestamp() if moment else 0.0


def _fit(entry: Entry) -> str:
    if entry.model.problem:
        return "✕  unusable"
    return entry.fit.mark if entry.fit else "…"


def _fit_order(entry: Entry) -> float:
    if entry.model.problem:
        return 9
    return entry.fit.order if entry.fit else 8


def _count(n: int) -> str:
    return units.count(n) if n else ""


COLUMNS = (
    Column("Name", lambda e: e.model.name, lambda e: e.model.name.casefold()),
    Column("Fits", _fit, _fit_order),
    Column("Quantization", lambda e: e.model.quantization, lambda e: e.model.quantization.casefold()),
    Column("Size", lambda e: units.size(e.model.size), lambda e: float(e.model.size), numeric=True),
    Column(
        "Parameters", lambda e: parameters(e.model.parameters), lambda e: float(e.model.parameters), numeric=True
    ),
    Column(
        "Context", lambda e: _count(e.model.context_length), lambda e: float(e.model.context_length), numeric=True
    ),
    Column("Family", lambda e: family(e.model), lambda e: family(e.model).casefold()),
    Column("Last used", lambda e: when(e.model.last_used), _last_used),
    Column("Source", lambda e: source(e.model), lambda e: source(e.model).casefold()),
    Column("Licence", lambda e: e.model.licence, lambda e: e.model.licence.casefold()),
)


def source(model: LibraryModel) -> str:
    """Where it is from, short: the application, or the last part of a folder's path."""
    return Path(model.source).name if model.source.startswith(("/", "\\")) else model.source


def haystack(entry: Entry) -> str:
    """Everything a filter may name, in small letters."""
    model = entry.model
    words = (model.path, model.name, model.repo, model.architecture, *(c.text(entry) for c in COLUMNS))
    return "\n".join(words).casefold()


def tooltip(entry: Entry) -> str:
    """The file, and why it can't be used or how it fits."""
    lines = [place_text.place(entry.model.path)]
    if entry.model.problem:
        lines.append(place_text.in_words(entry.model.problem))
    elif entry.fit is not None:
        lines.append(entry.fit.reason)
    if entry.loaded:
        lines.append("This model is loaded.")
    return "\n".join(lines)


def spoken(entry: Entry, column: Column) -> str:
    """A cell for a screen reader: the name says whether it is loaded or unusable, the others their heading."""
    if column is COLUMNS[0]:
        notes = ["loaded"] if entry.loaded else []
        notes += [entry.model.problem] if entry.model.problem else []
        return ", ".join((entry.model.name, *notes))
    return f"{column.heading}: {column.text(entry).strip('✓!✕… ') or 'not known'}"


def summary(entries: Iterable[Entry], shown: int) -> str:
    """The line below the table."""
    models = [e.model for e in entries]
    size = units.size(sum(m.size for m in models))
    total = f"{len(models)} model" if len(models) == 1 else f"{units.count(len(models))} models"
    return f"{total}, {size}" if shown == len(models) else f"{units.count(shown)} of {total}"
