"""Collecting an importance matrix: sums of squared activations per column of every weight, as llama-imatrix does.

Chunking, the token of the beginning and the choice of products are those of llama.cpp's `tools/imatrix`, so that
the same text gives the same values. Sums are kept in float64; the file has float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from q8chat.core.errors import QuantizeError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.runtime.capture import N_UBATCH, SMALLEST_BATCH, Activation, Capture
from q8chat.runtime.model import Model

CHUNK = 512  # tokens; llama-imatrix's default
N_BATCH = 2048  # tokens that llama-imatrix reads at once by default
SAVE_EVERY = 16  # chunks: some seconds for small models, minutes for large ones


@dataclass(slots=True)
class Sums:
    """Of one weight. squares: (n_mat, n_in); counts: rows seen per matrix, or one number if all see the same."""

    squares: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


@dataclass(slots=True)
class Collection:
    """What was summed up so far. `chunks` of `chunk_size` tokens; `datasets` names the texts."""

    chunk_size: int = CHUNK
    chunks: int = 0
    datasets: tuple[str, ...] = ()
    sums: dict[str, Sums] = field(default_factory=dict)
    tail: int = 0  # rows at the end of the window being read that plain products leave out, see `ignored_tail`

    def add(self, activation: Activation) -> None:
        """Add what one product read. Raises QuantizeError if it is not finite."""
        x = activation.x
        sums = self.sums.get(activation.weight)
        if sums is None:
            n_counts = activation.n_matrices if activation.experts is not None else 1
            squares = np.zeros((activation.n_matrices, x.shape[-1]))
            sums = self.sums[activation.weight] = Sums(squares, np.zeros(n_counts, np.int64))
        if activation.experts is None:
            _add_plain(sums, x[:, :, : x.shape[2] - self.tail])
        else:
            _add_experts(sums, x[0], activation.experts)
        if not np.isfinite(sums.squares).all():
            raise QuantizeError(
                f"{activation.weight}: what the model computes there is not finite.",
                "The model is damaged, or the text is nothing it can read.",
            )


def _squares(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sums of squares per column. In float32: a window has few rows, and float64 would take four times as long."""
    return np.asarray(np.einsum("ij,ij->j", rows, rows))


def _add_plain(sums: Sums, x: npt.NDArray[np.float32]) -> None:
    """x: (n3, n2, rows, n_in). Matrices repeat when there are fewer of them than activations."""
    n_mat = len(sums.squares)
    flat = x.reshape(-1, *x.shape[2:])
    for i, rows in enumerate(flat):
        sums.squares[i % n_mat] += _squares(rows)
    sums.counts += len(flat) * x.shape[2] // n_mat


def _add_experts(sums: Sums, x: npt.NDArray[np.float32], experts: npt.NDArray[np.int32]) -> None:
    """x: (tokens, used or 1, n_in); experts: (tokens, used)."""
    for slot in range(experts.shape[1]):
        rows = x[:, slot % x.shape[1]]
        for expert in np.unique(experts[:, slot]):
            chosen = rows[experts[:, slot] == expert]
            sums.squares[expert] += _squares(chosen)
            sums.counts[expert] += len(chosen)


def ignored_tail(chunk_size: int, sequences: int) -> int:
    """Tokens at the end of a chunk that llama-imatrix does not count when it reads `sequences` chunks side by side.

    It splits them evenly into micro-batches and leaves out products with fewer than 16 rows. So with three chunks
    of 512 two tokens of each are lost (170 + 170 + 170 + 2); with one, two or four none.
    """
    if chunk_size > N_UBATCH:
        return 0
    rest = chunk_size % (N_UBATCH // sequences)
    return rest if rest * sequences < SMALLEST_BATCH else 0


def collect(
    model: Model,
    tokens: Sequence[int],
    into: Collection,
    *,
    threads: int,
    progress: Report,
    cancel: Cancel,
    chunks: int = 0,
    output: bool = False,
    save: Callable[[Collection], None] | None = None,
) -> None:
    """Read `tokens` chunk by chunk and add to `into`, which may hold the first chunks already.

    `chunks`: at most so many, 0 = all. `output`: the output matrix too. `save` is called
    every SAVE_EVERY chunks, so that a killed job can go on from there.
    """
    size = into.chunk_size
    total = len(tokens) // size
    total = min(chunks, total) if chunks else total
    bos = [model.lib.llama_vocab_bos(model.vocab)] if model.lib.llama_vocab_get_add_bos(model.vocab) else []

    side_by_side = max(1, N_BATCH // size)

    def wanted(name: str) -> bool:
        return name.startswith("blk.") or (output and name == "output.weight")

    note = f"continued after {into.chunks}" if into.chunks else ""
    with Capture(model, size, threads, wanted, into.add) as capture:
        while into.chunks < total:
            cancel.check()
            progress(Progress(into.chunks, total, "chunks", note))
            window = list(tokens[into.chunks * size : (into.chunks + 1) * size])
            window[: len(bos)] = bos
            group = into.chunks // side_by_side * side_by_side
            into.tail = ignored_tail(size, min(side_by_side, total - group))
            capture.read(window)
            into.chunks += 1
            if save and into.chunks % SAVE_EVERY == 0 and into.chunks < total:
                save(into)
    progress(Progress(total, total, "chunks"))
