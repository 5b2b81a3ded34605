"""The Convert panel in words: the source, cells of the table of levels, the chosen level, the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from q8chat.core import units
from q8chat.core.errors import Q8Error, QuantizeError
from q8chat.gui import fit_text, place_text
from q8chat.gui.fit_text import FitView
from q8chat.hub.types import Selection
from q8chat.jobs.convert_types import LevelRow, Levels, Place, Source
from q8chat.quantize.ftypes import FTYPES, ftype, tensor_type
from q8chat.quantize.options import Overrides, parse_override
from q8chat.runtime.kernels import summary

NAMED_SHARE = 0.03  # of the weights' bytes: a kernel that does less is not named in the table
ALL_LEVELS = tuple(f.name for f in FTYPES if f.name != "COPY")
SOURCE_HINT = "A model, a path, or publisher/name on the hub"
INTRO = (
    "Make a model for this machine out of a checkpoint (a folder with safetensors), or a smaller one out of a model"
    " you have. In one pass, without other tools; nothing leaves this machine."
)
DROP_HINT = "Or drop a folder or a .gguf file anywhere on this page."


@dataclass(frozen=True, slots=True)
class Level:
    """A row of the table with what is said about it."""

    row: LevelRow
    fit: FitView | None = None
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """Of the table. width: units of the grid."""

    heading: str
    text: Callable[[Level], str]
    width: int
    numeric: bool = False


def rows(levels: Levels) -> tuple[Level, ...]:
    """All rows of an answer."""
    return tuple(
        Level(
            row,
            None if row.problem else fit_text.fit(row.memory, levels.available, levels.n_ctx),
            row.level == levels.recommended,
        )
        for row in levels.rows
    )


def about(level: Level) -> str:
    """What to expect of it, or why it can't be made."""
    if level.row.problem:
        return level.row.problem
    words = ftype(level.row.level).about
    return words[0].upper() + words[1:]


def cpu(level: Level) -> str:
    """The kernels that do most of the work."""
    shown = [s for s in level.row.kernels if s.share >= NAMED_SHARE]
    return ", ".join(f"{s.kernel} {100 * s.share:.0f} %" for s in shown)


COLUMNS = (
    Column("Level", lambda v: f"★ {v.row.level}" if v.recommended else v.row.level, 13),
    Column("Size", lambda v: units.size(v.row.size) if v.row.size else "", 10, numeric=True),
    Column("Bits", lambda v: f"{v.row.bits:.2f}" if v.row.bits else "", 7, numeric=True),
    Column("Memory", lambda v: units.size(v.row.memory) if v.row.memory else "", 10, numeric=True),
    Column("Fits here", lambda v: v.fit.mark if v.fit else "", 10),
    Column("What to expect", about, 34),
    Column("What this CPU does with it", cpu, 30),
)


def spoken(level: Level, column: Column) -> str:
    """A cell with its heading, for screen readers."""
    if column is COLUMNS[0]:
        return f"{level.row.level}, recommended" if level.recommended else level.row.level
    return f"{column.heading}: {column.text(level) or 'not known'}"


def explained(level: Level) -> str:
    """The chosen row in sentences."""
    row = level.row
    if row.problem:
        return f"{row.problem} {row.hint}".strip()
    total = sum(row.types.values())
    shares = ", ".join(f"{name} {100 * n / total:.0f} %" for name, n in row.types.items() if n >= 0.005 * total)
    parts = [f"{row.level}: {ftype(row.level).about}. Exactly {units.count(row.size)} bytes: {shares}."]
    if level.fit is not None:
        parts.append(f"{level.fit.mark.replace('  ', ' ')}: {level.fit.reason}")
    parts.append(f"This CPU: {summary(row.kernels)}.")
    return "\n".join(parts)


def recommendation(levels: Levels) -> str:
    """The sentence above the table."""
    if levels.recommended:
        return f"★ {levels.recommended} is recommended for this machine. {levels.reason}"
    if any(not row.problem and row.memory <= levels.available for row in levels.rows):
        return "This model is quantized already: no level makes it better. Choose one if you need it smaller."
    return f"All need more memory than is available ({units.size(levels.available)})."


def source_line(source: Source) -> str:
    """What the source is, on one line."""
    kinds = {"checkpoint": "Checkpoint", "model": "Quantized model" if source.lossy else "Model"}
    parts = (
        f"{kinds[source.kind]} of class {source.architecture}" if source.architecture else kinds[source.kind],
        f"{units.parameters(source.parameters)} parameters" if source.parameters else "",
        source.precision,
        units.size(source.size),
        f"{units.count(source.context_length)} tokens of context" if source.context_length else "",
        f"licence {source.licence}" if source.licence else "",
    )
    return " · ".join(part for part in parts if part)


def failure(error: Q8Error) -> tuple[str, str]:
    """What happened, and what to do."""
    return error.message, error.hint


def repo(selection: Selection) -> str:
    """A checkpoint that is still on the hub."""
    files = f"{len(selection.files)} files, {units.size(selection.size)}"
    licence = f", licence {selection.licence}" if selection.licence else ""
    return f"{selection.repo} is on the hub: {files}{licence}. It is downloaded first, then you choose a level."


def room(place: Place, size: int) -> str:
    """Free disk now and afterwards."""
    if place.problem:
        return place.problem
    if size > place.free:
        return f"{units.size(size)} are needed, {units.size(place.free)} are free on this disk."
    after = units.size(place.free - size)
    return f"Takes {units.size(size)}. {units.size(place.free)} are free on this disk, {after} afterwards."


def short(folder: Path) -> str:
    """A folder as it is shown."""
    return place_text.place(str(folder))


def overrides(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The pairs of `regex=type` lines, and what is wrong with the first bad one ("" if nothing)."""
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            pair = parse_override(line.strip())
            Overrides((pair,))
        except QuantizeError as e:
            return (), f"Line {number}: {e.message} {e.hint}".strip()
        pairs.append(pair)
    return tuple(pairs), ""


def tensor_types() -> tuple[str, ...]:
    """What single tensors can be, as the lists offer it."""
    wanted = (
        "F16",
        "BF16",
        "F32",
        "Q8_0",
        "Q6_K",
        "Q5_K",
        "Q4_K",
        "Q5_1",
        "Q5_0",
        "Q4_1",
        "Q4_0",
        "IQ4_NL",
        "IQ4_XS",
    )
    return tuple(map(tensor_type, wanted))


def texts(paths: Iterable[Path]) -> str:
    """Names of chosen texts."""
    return ", ".join(p.name for p in paths)
