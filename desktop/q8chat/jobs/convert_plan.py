"""What a conversion will give: the file's name, its exact size and types, before any weight is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from q8chat.convert import planning, types
from q8chat.core import paths
from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.jobs import convert_origin
from q8chat.quantize import ftypes, tensor_plan
from q8chat.quantize.imatrix import read_imatrix
from q8chat.quantize.options import Options

LOCAL = "local"  # publisher of models whose checkpoint lies in no publisher's folder of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRequest:
    """`folder`: the checkpoint. `options.ftype`: any level, or "auto" for the checkpoint's own precision.

    `out` None: in the library, named after folder and level. `threads` 0: all this process may use. `provenance`:
    tell in the metadata and beside the file where it came from.
    """

    folder: Path
    options: Options
    out: Path | None = None
    imatrix: Path | None = None
    threads: int = 0
    overwrite: bool = False
    provenance: bool = True


@dataclass(frozen=True, slots=True)
class ConvertPlan:
    """`size` in bytes is exact; `bytes_by_type` counts tensor data; `notes` are sentences for the user."""

    target: Path
    level: str
    size: int
    source_bytes: int
    bits_per_weight: float
    architecture: str
    parameters: int
    bytes_by_type: dict[str, int]
    notes: tuple[str, ...]


def direct(level: str) -> str:
    """The converter's own name of a level that needs no quantizer, else ""."""
    name = level.lower()
    return name if name in (*types.FILE_TYPES, types.AUTO) else ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`made`: what the converter will read and, if there is no `quantized`, write; `plan`: what to show."""

    request: ConvertRequest
    made: planning.Plan
    quantized: tensor_plan.Plan | None
    plan: ConvertPlan


def prepare(request: ConvertRequest) -> Prepared:
    """Everything but the weights. Raises CheckpointError, QuantizeError, UsageError."""
    keys = convert_origin.keys(request.folder, request.options) if request.provenance else {}
    name = direct(request.options.ftype)
    if name:
        check_options(request)
        made = planning.plan(request.folder, name, keys)
        shown = _plan(request, made, made.source.tensors, made.out_type.upper(), made.size, notes=())
        return Prepared(request, made, None, shown)
    made = planning.plan(request.folder)
    options = replace(request.options, provenance=keys)
    if request.imatrix and not options.imatrix_file:
        options = replace(options, imatrix_file=request.imatrix.name)
    imatrix = read_imatrix(request.imatrix) if request.imatrix else None
    chosen = tensor_plan.make_plan(made.source, options, imatrix)
    tensors = [t.result for t in chosen.tensors]
    shown = _plan(request, made, tensors, chosen.ftype.name, chosen.size, notes=chosen.warnings)
    return Prepared(request, made, chosen, shown)


def plan(request: ConvertRequest) -> ConvertPlan:
    """What to show before the work. Raises what `prepare` raises."""
    return prepare(request).plan


def check_options(request: ConvertRequest) -> None:
    """Raise QuantizeError for options that only the quantizer knows."""
    options = request.options
    if request.imatrix or options != Options(
        ftype=options.ftype, zero_bad_weights=options.zero_bad_weights, provenance=options.provenance
    ):
        raise QuantizeError(
            f"{options.ftype} is written as the checkpoint has it: importance matrix and types of single tensors"
            " make no difference there.",
            "Leave them out, or choose another level, e.g. Q4_K_M.",
        )


def target(request: ConvertRequest, level: str) -> Path:
    """Where the result goes: beside a checkpoint of the library, else into the library's `local` folder."""
    if request.out:
        return request.out
    folder = request.folder.absolute()
    name = re.sub(r"[^\w.+-]+", "-", folder.resolve().name).strip("-.") or "model"
    ours = folder if folder.is_relative_to(paths.models_dir()) else paths.models_dir() / LOCAL / name
    return ours / f"{name}-{level}.gguf"


def _plan(
    request: ConvertRequest,
    made: planning.Plan,
    tensors: Iterable[TensorSpec],
    level: str,
    size: int,
    *,
    notes: tuple[str, ...],
) -> ConvertPlan:
    by_type: dict[str, int] = {}
    weights = 0
    for t in tensors:
        by_type[TYPES[t.type_id].name] = by_type.get(TYPES[t.type_id].name, 0) + t.n_bytes
        weights += t.row_length * t.n_rows
    return ConvertPlan(
        target=target(request, level),
        level=level,
        size=size,
        source_bytes=sum(size for size, _time in made.source.checkpoint.stamps.values()),
        bits_per_weight=8 * sum(by_type.values()) / max(1, weights),
        architecture=made.source.checkpoint.architecture,
        parameters=weights,
        bytes_by_type=dict(sorted(by_type.items(), key=lambda item: -item[1])),
        notes=(*made.warnings, *notes),
    )


def known_level(level: str) -> str:
    """The level as llama.cpp spells it. Raises QuantizeError for one that does not exist."""
    return level.upper() if direct(level) else ftypes.ftype(level).name
