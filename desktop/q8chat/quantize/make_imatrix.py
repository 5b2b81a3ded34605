"""From a model and texts to an importance matrix on disk; killed at any moment it goes on where it was."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from pathlib import Path

from q8chat.core.errors import OutputFileError, QuantizeError
from q8chat.core.progress import Cancel, Report
from q8chat.core.units import count
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.quantize.calibration import Calibration, calibration_tokens
from q8chat.quantize.collect import CHUNK, Collection, collect
from q8chat.quantize.imatrix_file import write_imatrix
from q8chat.quantize.imatrix_part import load_part, save_part
from q8chat.runtime.model import Model

SMALLEST_TEXT = 2  # chunks; llama-imatrix refuses less, and one chunk says little


@dataclass(frozen=True, slots=True)
class ImatrixOptions:
    """`chunk_size` in tokens. `chunks`: at most so many, 0 = all. `output`: the output matrix too.

    `threads` 0: as many as this machine has cores.
    """

    chunk_size: int = CHUNK
    chunks: int = 0
    output: bool = False
    threads: int = 0
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class MadeImatrix:
    """`continued`: chunks that an interrupted run had read already."""

    path: str
    chunks: int
    tokens: int
    weights: int
    continued: int


def part_path(out: Path) -> Path:
    """Where an unfinished matrix is kept."""
    return out.with_name(f".{out.name}.part")


def discard(out: Path) -> None:
    """Remove what an unfinished run left."""
    part_path(out).unlink(missing_ok=True)


def make_imatrix(
    model_path: Path,
    out: Path,
    calibration: Calibration,
    options: ImatrixOptions,
    *,
    progress: Report,
    cancel: Cancel,
) -> MadeImatrix:
    """Read the texts with the model and write `out`.

    Raises QuantizeError (text too short or unreadable, activations not finite), ModelFileError, OutputFileError,
    DiskFullError, NotEnoughMemoryError.
    """
    if options.chunk_size < 32 or options.chunks < 0:
        raise QuantizeError("Chunks have at least 32 tokens, and there can't be fewer than none.")
    if out.exists() and not options.overwrite:
        raise OutputFileError(f"{out} exists already.", "Choose another name or remove it first.")
    model = Model(model_path)
    try:
        tokens, datasets = calibration_tokens(model, calibration)
        if len(tokens) < SMALLEST_TEXT * options.chunk_size:
            raise QuantizeError(
                f"The text has {count(len(tokens))} tokens; at least"
                f" {count(SMALLEST_TEXT * options.chunk_size)} are needed.",
                "Choose a longer one: some hundred kilobytes are good.",
            )
        key = _key(model_path, tokens, options)
        part = part_path(out)
        collected = load_part(part, key) or Collection(options.chunk_size)
        collected.datasets = datasets
        continued = collected.chunks
        collect(
            model,
            tokens,
            collected,
            threads=options.threads or default_threads(read_topology()),
            progress=progress,
            cancel=cancel,
            chunks=options.chunks,
            output=options.output,
            save=lambda c: save_part(part, c, key),
        )
    finally:
        model.close()
    write_imatrix(out, collected, overwrite=options.overwrite)
    discard(out)
    return MadeImatrix(str(out), collected.chunks, len(tokens), len(collected.sums), continued)


def _key(model: Path, tokens: list[int], options: ImatrixOptions) -> str:
    """What the sums depend on."""
    stat = model.stat()
    told = hashlib.sha256(array("i", tokens).tobytes())
    told.update(repr((str(model), stat.st_size, stat.st_mtime_ns, options.chunk_size, options.output)).encode())
    return told.hexdigest()
