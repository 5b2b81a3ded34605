"""Making the result: all cores make blocks of rows, one thread writes them in order.

Memory stays at some megabytes for each thread, whatever the size of the model.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.writer import GgufWriter
from q8chat.hardware.cgroup import read_limits
from q8chat.quantize.rows import RowMaker, Rows, blocks
from q8chat.quantize.tensor_plan import Plan

_AHEAD = 3  # blocks for each thread that are being made or wait to be written


@dataclass(frozen=True, slots=True)
class Made:
    """What was made. `continued`: tensors that were there from an interrupted run; `seconds`: of this run."""

    path: Path
    size: int
    tensors: int
    continued: int
    seconds: float


def quantize(
    source: TensorSource,
    plan: Plan,
    path: Path,
    *,
    threads: int = 0,
    overwrite: bool = False,
    progress: Report = no_report,
    cancel: Cancel | None = None,
) -> Made:
    """Write the planned file to `path`. `threads` 0: as many as this process may use.

    Progress counts bytes of the source. When it is cancelled or fails, `<path>.part` stays and the same call
    continues after its last complete tensor; `discard_part` removes it.

    Raises QuantizeError, ModelFileError or CheckpointError (the source), OutputFileError, DiskFullError,
    CancelledError.
    """
    started = time.monotonic()
    cancel = cancel or Cancel()
    with GgufWriter(path, plan.layout, key=plan.key, overwrite=overwrite) as writer:
        done = sum(t.source.n_bytes for t in plan.tensors[: writer.n_done])
        with closing(_made(source, plan, writer, threads or usable_cpus())) as made:
            for rows in made:
                cancel.check()
                done += rows.n * rows.tensor.source.row_bytes
                progress(Progress(done, plan.source_bytes, "bytes", writer.where))
        source.check_unchanged()
        progress(Progress(plan.source_bytes, plan.source_bytes, "bytes", "Flushing to the disk"))
        writer.publish()
        continued = writer.continued
    return Made(path, plan.size, len(plan.tensors), continued, time.monotonic() - started)


def _made(source: TensorSource, plan: Plan, writer: GgufWriter, threads: int) -> Generator[Rows, None, None]:
    """Make and write what is missing; gives each block when it is written."""
    maker = RowMaker(source, plan)
    todo = (rows for tensor in plan.tensors[writer.n_done :] for rows in blocks(tensor))
    with ThreadPoolExecutor(threads, "quantize") as pool:
        try:
            for rows, data in _in_order(pool, maker, todo, threads * _AHEAD):
                writer.write(data)
                yield rows
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, maker: RowMaker, todo: Iterator[Rows], ahead: int
) -> Iterator[tuple[Rows, bytearray]]:
    """Blocks as they were asked for, while up to `ahead` of them are being made."""
    waiting: deque[tuple[Rows, Future[bytearray]]] = deque()
    for rows in todo:
        waiting.append((rows, pool.submit(maker.make, rows)))
        if len(waiting) >= ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def usable_cpus() -> int:
    """Hardware threads this process may use: quantizing needs no barriers, so all of them help."""
    allowed = getattr(os, "sched_getaffinity", None)
    cpus = len(allowed(0)) if allowed else os.cpu_count() or 1
    quota = read_limits().cpus
    return cpus if quota is None else max(1, min(cpus, round(quota)))
