"""Checkpoint to GGUF file, tensor by tensor."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from q8chat.convert.encode import Q8_0
from q8chat.convert.planning import Plan, plan
from q8chat.convert.source import CheckpointSource
from q8chat.convert.types import AUTO
from q8chat.core.errors import CheckpointError, UsageError
from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.gguf_files.writer import GgufWriter

BLOCK = 1 << 20  # bytes of the result that are made at a time
AHEAD = 3  # blocks in the making while one is written


def convert(
    path: Path,
    out: Path,
    out_type: str = AUTO,
    progress: Report = no_report,
    cancel: Cancel | None = None,
    *,
    allow_flaws: bool = False,
) -> Plan:
    """Plan and `write` it."""
    made = plan(path, out_type)
    write(made, out, progress, cancel, allow_flaws=allow_flaws)
    return made


def write(
    made: Plan,
    out: Path,
    progress: Report = no_report,
    cancel: Cancel | None = None,
    *,
    overwrite: bool = False,
    allow_flaws: bool = False,
) -> int:
    """Write `out`; it appears whole or not at all. Returns how many tensors an interrupted run had made already.

    Weights that are no numbers (NaN, infinite) are said in the plan's warnings; q8_0 stops at them unless
    `allow_flaws`. Raises CheckpointError, UsageError, OutputFileError, DiskFullError, CancelledError.
    """
    source, cancel = made.source, cancel or Cancel()
    if out.resolve() in {file.resolve() for file in source.checkpoint.stamps}:
        raise UsageError(f"{out} is a part of the checkpoint itself.", "Choose another name for the result.")
    with GgufWriter(out, made.layout, key=source.identity, overwrite=overwrite) as writer:
        with closing(_blocks(source, writer.n_done)) as blocks:
            for block in blocks:
                cancel.check()
                if source.flaws and not allow_flaws:
                    _stop_quantizing(source)
                writer.write(block)
                progress(Progress(writer.bytes_done, made.size, note=writer.where))
        source.check_unchanged()
        writer.publish()
        continued = writer.continued
    made.warnings.extend(source.flaws.values())
    return continued


def _stop_quantizing(source: CheckpointSource) -> None:
    by_name = {spec.name: spec for spec in source.tensors}
    for name, flaw in source.flaws.items():
        if by_name[name].type_id == Q8_0:
            raise CheckpointError(flaw, "A model quantized from them would not work. Get an intact checkpoint.")


def _blocks(source: CheckpointSource, first: int) -> Generator[bytearray, None, None]:
    """Bytes of the tensors, in order; made in threads while those before are written."""
    waiting: deque[Future[bytearray]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        try:
            for index in range(first, len(source.tensors)):
                spec = source.tensors[index]
                step = max(1, BLOCK // max(1, spec.row_bytes))
                for at in range(0, spec.n_rows if spec.n_bytes else 0, step):
                    n_rows = min(step, spec.n_rows - at)
                    waiting.append(pool.submit(_make, source, index, at, n_rows))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for made in waiting:
                made.cancel()


def _make(source: CheckpointSource, index: int, first_row: int, n_rows: int) -> bytearray:
    block = bytearray(n_rows * source.tensors[index].row_bytes)
    source.read(index, first_row, n_rows, memoryview(block))
    return block
