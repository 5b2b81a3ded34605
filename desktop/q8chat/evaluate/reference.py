"""Where the scores of windows come from: one model alone, or beside its reference.

Both models are loaded at once where memory allows it: the reference's logits then never leave memory. Where it does
not, they take turns: the reference reads some windows ahead into a temporary file of limited size, exactly as they
are, then the model reads the same ones.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from q8chat.core import paths
from q8chat.core.errors import DiskFullError, EvaluateError
from q8chat.core.progress import Cancel
from q8chat.core.units import count, size
from q8chat.evaluate.logits import LogitReader
from q8chat.evaluate.statistics import Logits, Scores, score
from q8chat.evaluate.windows import Vocabulary, Windows, vocabulary
from q8chat.runtime.footprint import estimate
from q8chat.runtime.memory import read_headers
from q8chat.runtime.model import Model

ALONE, SIDE_BY_SIDE, IN_TURNS = "alone", "side by side", "in turns"
TURN_BYTES = 256 << 20  # of the temporary file, or one window if that is more
F32 = 4


@dataclass(frozen=True, slots=True)
class Work:
    """What all ways of reading need. `stop`: windows from here on are not read."""

    windows: Windows
    vocabulary: Vocabulary
    stop: int
    threads: int
    pool: Executor
    cancel: Cancel


def choose_method(model: Path, reference: Path | None, ctx: int, n_vocab: int, *, available: int) -> str:
    """SIDE_BY_SIDE if both models fit into `available` bytes of memory."""
    if reference is None:
        return ALONE
    need = 0
    for path in (model, reference):
        need += estimate(read_headers(path), ctx).total
        need += 2 * (ctx // 2) * n_vocab * F32  # the logits, and the scratch they are computed in
    return SIDE_BY_SIDE if need <= available else IN_TURNS


def scores(
    method: str, model: Path, reference: Path | None, work: Work, start: int
) -> Generator[Scores, None, None]:
    """Scores of window `start`, start + 1, ... Close the iterator to free the models.

    Raises EvaluateError (also if a model computes what is no number), NotEnoughMemoryError, CancelledError.
    """
    if reference is None:
        return _alone(model, work, start)
    ways = {SIDE_BY_SIDE: _side_by_side, IN_TURNS: _in_turns}
    return ways[method](model, reference, work, start)


def _check_vocabulary(model: Path, reference: Model, work: Work) -> None:
    """Raises EvaluateError if a token is not the same in both."""
    ours, theirs = work.vocabulary, vocabulary(reference)
    if ours != theirs:
        what = "differ" if ours.size == theirs.size else f"have {count(ours.size)} and {count(theirs.size)} tokens"
        raise EvaluateError(
            f"{model.name} can't be compared with {reference.path.name}: their vocabularies {what}.",
            "Choose the model it was made from as the reference.",
        )


@contextmanager
def _reader(path: Path, work: Work) -> Iterator[LogitReader]:
    with ExitStack() as stack:
        model = Model(path)
        stack.callback(model.close)
        yield stack.enter_context(LogitReader(model, work.windows.ctx, work.windows.scored, work.threads))


def _read(reader: LogitReader, work: Work, chunk: int) -> Logits:
    windows = work.windows
    return reader.read(windows.window(chunk), windows.first, windows.scored, work.cancel)


def _scored(reader: LogitReader, work: Work, chunk: int, base: Logits | None, base_name: str = "") -> Scores:
    found = score(_read(reader, work, chunk), base, work.windows.targets(chunk), work.pool)
    bad = [not np.isfinite(column).all() for column in found.T]
    if any(bad):
        # The first column is the model's alone, so it tells whose fault it is.
        name = reader.model.path.name if bad[0] or base is None else base_name
        raise EvaluateError(
            f"{name} computes values that are no numbers (NaN or infinite) in chunk {chunk + 1} of the text.",
            "The file is damaged, or was converted with too small a range of numbers: make it anew.",
        )
    return found


def _alone(model: Path, work: Work, start: int) -> Generator[Scores, None, None]:
    with _reader(model, work) as reader:
        for chunk in range(start, work.stop):
            yield _scored(reader, work, chunk, None)


def _side_by_side(model: Path, reference: Path, work: Work, start: int) -> Generator[Scores, None, None]:
    with _reader(reference, work) as base, _reader(model, work) as reader:
        _check_vocabulary(model, base.model, work)
        for chunk in range(start, work.stop):
            yield _scored(reader, work, chunk, _read(base, work, chunk), reference.name)


def _in_turns(model: Path, reference: Path, work: Work, start: int) -> Generator[Scores, None, None]:
    while start < work.stop:
        with ExitStack() as stack:
            with _reader(reference, work) as base:
                _check_vocabulary(model, base.model, work)
                shape = work.windows.scored, base.model.n_vocab
                n_bytes = shape[0] * shape[1] * F32
                chunks = range(start, min(work.stop, start + max(1, TURN_BYTES // n_bytes)))
                kept = stack.enter_context(_temporary(len(chunks) * n_bytes))
                logits = np.memmap(kept, np.float32, "w+", shape=(len(chunks), *shape))
                for chunk in chunks:
                    logits[chunk - start] = _read(base, work, chunk)
            with _reader(model, work) as reader:
                for chunk in chunks:
                    yield _scored(reader, work, chunk, logits[chunk - start], reference.name)
            start = chunks.stop


@contextmanager
def _temporary(n_bytes: int) -> Iterator[IO[bytes]]:
    """A place for `n_bytes` that has no name, so it is given back even if this process is killed."""
    folder = paths.cache_dir()
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise DiskFullError(
            f"{size(n_bytes)} are needed in {folder} for a while, {size(free)} are free.", "Free some space."
        )
    with tempfile.TemporaryFile(dir=folder) as f:
        yield f
