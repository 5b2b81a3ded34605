"""A checkpoint becomes a model at any level in one pass: here the converter feeds the quantizer.

F32, F16, BF16 and Q8_0 are what llama.cpp's converter makes. Any other level is what llama-quantize makes of the
converter's F16 file (BF16 where the checkpoint is), without that file ever being written.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from q8chat.convert import conversion
from q8chat.core.errors import UsageError
from q8chat.core.progress import Cancel, Report, no_report
from q8chat.gguf_files import provenance
from q8chat.gguf_files.part_files import discard_part
from q8chat.jobs import convert_origin, convert_plan
from q8chat.jobs.convert_plan import ConvertRequest, Prepared
from q8chat.quantize import origin, pipeline


@dataclass(frozen=True, slots=True)
class Converted:
    """`seconds`: of this run. `continued`: tensors that were there from an interrupted one. `notes`: sentences."""

    path: Path
    size: int
    seconds: float
    continued: int
    notes: tuple[str, ...]


def run(request: ConvertRequest, progress: Report = no_report, cancel: Cancel | None = None) -> Converted:
    """Make the file. Interrupted at any moment, the same request continues after its last complete tensor.

    Raises CheckpointError, QuantizeError, UsageError, OutputFileError, DiskFullError, CancelledError.
    """
    return make(convert_plan.prepare(request), progress, cancel)


def make(prepared: Prepared, progress: Report = no_report, cancel: Cancel | None = None) -> Converted:
    """`run` for a request that is prepared already."""
    cancel = cancel or Cancel()
    request, made, out = prepared.request, prepared.made, prepared.plan.target
    _refuse_own_files(prepared)
    started = time.monotonic()
    if prepared.quantized:
        result = pipeline.quantize(
            made.source,
            prepared.quantized,
            out,
            threads=request.threads,
            overwrite=request.overwrite,
            progress=progress,
            cancel=cancel,
        )
        continued, notes = result.continued, prepared.plan.notes
    else:
        flaws = request.options.zero_bad_weights
        continued = conversion.write(made, out, progress, cancel, overwrite=request.overwrite, allow_flaws=flaws)
        notes = tuple(made.warnings)
    seconds = time.monotonic() - started
    if request.provenance:
        sha256 = origin.checksum(out, "Computing the checksum", progress, cancel)
        provenance.write(out, convert_origin.told(request.folder, request.options, sha256))
    return Converted(out, prepared.plan.size, seconds, continued, notes)


def discard(request: ConvertRequest) -> None:
    """Remove what an unfinished `run` left."""
    discard_part(request.out or convert_plan.plan(request).target)  # the checkpoint may be gone


def _refuse_own_files(prepared: Prepared) -> None:
    """Weights are never replaced, nor anything else of the checkpoint; an earlier result beside them may be."""
    out, folder = prepared.plan.target, prepared.request.folder
    if not out.exists():
        return
    weights = prepared.made.source.checkpoint.stamps
    beside = out.parent.samefile(folder) and out.suffix != ".gguf"
    if beside or any(out.samefile(own) for own in weights):
        raise UsageError(f"{out} is a part of the checkpoint itself.", "Choose another name for the result.")
