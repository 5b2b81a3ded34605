"""Checkpoint to GGUF file, tensor by tensor."""

from __future__ import annotations

from pathlib import Path

from q8chat.convert.planning import Plan, plan
from q8chat.convert.types import AUTO
from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.gguf_files.writer import GgufWriter

BLOCK = 16 << 20  # bytes of the result in memory at a time


def convert(
    path: Path,
    out: Path,
    out_type: str = AUTO,
    progress: Report = no_report,
    cancel: Cancel | None = None,
    *,
    overwrite: bool = False,
) -> Plan:
    """Write `out`; it appears whole or not at all. What was interrupted continues with the next complete tensor.

    Raises CheckpointError, UsageError, OutputFileError, DiskFullError, CancelledError.
    """
    made = plan(path, out_type)
    source, cancel = made.source, cancel or Cancel()
    with GgufWriter(out, made.layout, key=source.identity, overwrite=overwrite) as writer:
        for index in range(writer.n_done, len(source.tensors)):
            spec = source.tensors[index]
            step = max(1, BLOCK // max(1, spec.row_bytes))
            for at in range(0, spec.n_rows, step):
                cancel.check()
                n_rows = min(step, spec.n_rows - at)
                block = bytearray(n_rows * spec.row_bytes)
                source.read(index, at, n_rows, memoryview(block))
                writer.write(block)
                progress(Progress(writer.bytes_done, made.size, note=spec.name))
        source.check_unchanged()
        writer.publish()
    return made
