"""A model at some level with an importance matrix that is made first: one job, so that it survives a restart.

A checkpoint can't be run, so it becomes a Q8_0 file for the reading, which is removed afterwards. The matrix stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from q8chat.core.errors import UsageError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.jobs import convert, imatrix, wire
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.jobs.convert_types import Texts
from q8chat.quantize import request as quantizing
from q8chat.quantize.make_imatrix import ImatrixOptions
from q8chat.quantize.options import Options
from q8chat.quantize.request import Request

COPYING, READING, MAKING = "a copy to read with", "reading the texts", "making the model"
READABLE = "Q8_0"  # next to no loss, half the size and memory of F16


def run(
    texts: Texts,
    progress: Report,
    cancel: Cancel,
    convert_request: ConvertRequest | None = None,
    quantize_request: Request | None = None,
) -> dict[str, Any]:
    """Make what is missing, in order; exactly one of the requests is given. `texts.out` is this job's own file.

    Returns what the last step does. Raises what the steps raise.
    """
    steps = _numbered([COPYING, READING, MAKING] if convert_request else [READING, MAKING], progress)
    if convert_request:
        model = _reading_copy(texts)
        step = next(steps)
        if not texts.out.exists() and not model.exists():
            convert.run(_copy_request(convert_request, texts), step, cancel)
    elif quantize_request:
        model = quantize_request.model
    else:
        raise UsageError("There is nothing to convert.")
    step = next(steps)
    if not texts.out.exists():
        options = ImatrixOptions(threads=texts.threads)
        texts.out.parent.mkdir(parents=True, exist_ok=True)
        imatrix.run(
            model,
            texts.out,
            texts=texts.texts,
            conversations=texts.conversations,
            options=options,
            progress=step,
            cancel=cancel,
        )
    if convert_request:
        model.unlink(missing_ok=True)
        return wire.as_object(convert.run(replace(convert_request, imatrix=texts.out), next(steps), cancel))
    assert quantize_request is not None
    return wire.as_object(quantizing.run(replace(quantize_request, imatrix=texts.out), next(steps), cancel))


def discard(
    texts: Texts, convert_request: ConvertRequest | None = None, quantize_request: Request | None = None
) -> None:
    """Remove what an unfinished `run` left, the matrix too."""
    if convert_request:
        convert.discard(_copy_request(convert_request, texts))
        _reading_copy(texts).unlink(missing_ok=True)
    imatrix.discard(texts.out)
    if convert_request:
        convert.discard(convert_request)
    if quantize_request:
        quantizing.discard(quantize_request)
    texts.out.unlink(missing_ok=True)


def _reading_copy(texts: Texts) -> Path:
    """Hidden, so that the library does not list it."""
    return texts.out.with_name(f".{texts.out.stem}.reading.gguf")


def _copy_request(wanted: ConvertRequest, texts: Texts) -> ConvertRequest:
    zero = wanted.options.zero_bad_weights
    return ConvertRequest(
        folder=wanted.folder,
        options=Options(ftype=READABLE, zero_bad_weights=zero),
        out=_reading_copy(texts),
        threads=wanted.threads,
        provenance=False,
    )


def _numbered(names: Sequence[str], progress: Report) -> Iterator[Report]:
    """A report for each step that says which it is."""

    def numbered(n: int) -> Callable[[Progress], None]:
        head = f"Step {n} of {len(names)}, {names[n - 1]}"
        return lambda p: progress(replace(p, note=f"{head}: {p.note}" if p.note else head))

    return (numbered(n) for n in range(1, len(names) + 1))
