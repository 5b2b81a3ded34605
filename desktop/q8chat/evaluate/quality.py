"""What a model lost against its reference on a text: windows are read until the numbers are certain enough."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from q8chat.core.progress import Cancel, Progress, Report
from q8chat.evaluate import cards, file_ids, reference
from q8chat.evaluate.chunk_log import ChunkLog, path_of
from q8chat.evaluate.reference import Work
from q8chat.evaluate.statistics import ALONE, COMPARED, Scores, relative_error, summary
from q8chat.evaluate.types import FileId, Options, QualityCard, Text
from q8chat.evaluate.windows import Vocabulary, Windows, checked, cut, vocabulary
from q8chat.hardware.memory import read_memory
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime import native
from q8chat.runtime.model import Model

LEAST_CHUNKS = 4  # before a run may end by itself: texts begin with headings
FORMULAS = 1  # of the numbers; to be raised when they change, so that older cards are not taken for the same


@dataclass(frozen=True, slots=True)
class _Files:
    """What is measured, as it was at the beginning."""

    model: FileId
    reference: FileId | None
    states: dict[Path, file_ids.State]

    def check(self) -> None:
        for path, state in self.states.items():
            file_ids.check_same(path, state)


def run(
    model: Path, base: Path | None, text: Text, options: Options, *, progress: Report, cancel: Cancel
) -> QualityCard:
    """Measure `model`, against `base` if there is one; an interrupted run goes on. The card is kept.

    What was measured before with the same files, text, settings and llama.cpp is not measured again.
    Raises EvaluateError (text, vocabularies, NaN, a file that changed), ModelFileError, NotEnoughMemoryError,
    DiskFullError, CancelledError.
    """
    checked(text)
    files = _identified(model, base, progress, cancel)
    key = key_of(files.model, files.reference, text, options)
    if not options.again and (card := cards.quality(key)):
        return card
    threads = options.threads or default_threads(read_topology())
    windows, words = _cut(model, text, options.ctx)
    method = reference.choose_method(model, base, options.ctx, words.size, available=read_memory().available)
    stop = min(options.chunks or windows.count, windows.count)
    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool, ChunkLog(key, windows.scored, COMPARED if base else ALONE) as log:
        work = Work(windows, words, stop, threads, pool, cancel)
        continued = len(log.chunks)
        scores = reference.scores(method, model, base, work, continued)
        _read(scores, log, files, partial(_enough, log, options, stop), partial(_report, log, stop, progress))
    files.check()
    card = QualityCard(
        **msgspec.structs.asdict(summary(log.scores())),
        **_settings(files, text, options),
        chunks=len(log.chunks),
        stopped_early=len(log.chunks) < stop,
        continued=continued,
        seconds=round(time.monotonic() - began, 3),
        threads=threads,
        method=method,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    cards.save(key, card)
    log.discard()
    return card


def _read(
    scores: Generator[Scores, None, None],
    log: ChunkLog,
    files: _Files,
    enough: Callable[[], bool],
    report: Callable[[], None],
) -> None:
    report()
    with closing(scores):
        while not enough():
            found = next(scores)
            files.check()
            log.append(found)
            report()


def _report(log: ChunkLog, stop: int, progress: Report) -> None:
    progress(Progress(len(log.chunks), stop, "chunks"))


def _settings(files: _Files, text: Text, options: Options) -> dict[str, Any]:
    """What the card tells that was known before the first window."""
    return {
        "model": files.model,
        "reference": files.reference,
        "text": text.name,
        "text_sha256": text.sha256,
        "ctx": options.ctx,
        "chunks_asked": options.chunks,
        "precision": options.precision,
        "build": native.version(),
    }


def discard(model: Path, base: Path | None, text: Text, options: Options) -> None:
    """Remove what an unfinished run left. Files that were not identified yet left nothing."""
    own, other = file_ids.known(model), file_ids.known(base) if base else None
    if own and (other or not base):
        path_of(key_of(own, other, text, options)).unlink(missing_ok=True)


def key_of(model: FileId, base: FileId | None, text: Text, options: Options) -> str:
    """What the numbers depend on: files, text, settings and llama.cpp; not the number of threads."""
    told = [
        FORMULAS,
        model.sha256,
        base.sha256 if base else "",
        text.sha256,
        [options.ctx, options.chunks, 0 if options.chunks else options.precision],
        native.version(),
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _identified(model: Path, base: Path | None, progress: Report, cancel: Cancel) -> _Files:
    states = {path: file_ids.state(path) for path in (model, base) if path}
    own = file_ids.identify(model, progress, cancel)
    return _Files(own, file_ids.identify(base, progress, cancel) if base else None, states)


def _cut(model: Path, text: Text, ctx: int) -> tuple[Windows, Vocabulary]:
    with closing(Model(model)) as loaded:
        return cut(loaded, text, ctx), vocabulary(loaded)


def _enough(log: ChunkLog, options: Options, stop: int) -> bool:
    if len(log.chunks) >= stop:
        return True
    if options.chunks or not options.precision or len(log.chunks) < LEAST_CHUNKS:
        return False
    return relative_error(log.scores()) <= options.precision
