"""Measuring as a job: here the user's own conversations meet the numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from q8chat.core.progress import Cancel, Report
from q8chat.evaluate import own_text, quality, tasks
from q8chat.evaluate.types import Options, QualityCard, TaskCard, Text
from q8chat.evaluate.windows import read_text
from q8chat.gguf_files import provenance
from q8chat.jobs.imatrix import own_conversations

CONVERSATIONS = "own conversations"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`compared`: what tasks lost against the reference, see `tasks.compared`; empty without one."""

    quality: QualityCard | None = None
    tasks: TaskCard | None = None
    reference_tasks: TaskCard | None = None
    compared: dict[str, float] = {}


def run(
    model: Path,
    *,
    reference: Path | None,
    text: Path | None,
    conversations: bool,
    task_files: tuple[Path, ...],
    options: Options,
    progress: Report,
    cancel: Cancel,
) -> Measured:
    """Measure on `text`, on the user's conversations or on what the reference (or the model) writes itself.

    With `task_files` and none of these texts only the tasks are done, for the model and its reference.
    """
    card = None
    if text or conversations or not task_files:
        chosen = _text(text, conversations)
        chosen = chosen or own_text.own_text(reference or model, progress, cancel, threads=options.threads)
        card = quality.run(model, reference, chosen, options, progress=progress, cancel=cancel)
    if not task_files:
        return Measured(quality=card)

    def answered(path: Path) -> TaskCard:
        return tasks.run(path, task_files, progress, cancel, threads=options.threads, again=options.again)

    after = answered(model)
    before = answered(reference) if reference else None
    lost = tasks.compared(before, after) if before else {}
    return Measured(quality=card, tasks=after, reference_tasks=before, compared=lost)


def discard(model: Path, reference: Path | None, text: Path | None, conversations: bool, options: Options) -> None:
    """Remove what an unfinished run left. A text that was written is kept: it is for other models too."""
    if chosen := _text(text, conversations) or own_text.kept(reference or model):
        quality.discard(model, reference, chosen, options)


def parent(model: Path) -> Path | None:
    """The file `model` was made from, as far as that is known and it is still there."""
    told = provenance.read(model).parent
    if told.endswith(".gguf") and (path := Path(told)).is_file():
        return path
    return None


def _text(path: Path | None, conversations: bool) -> Text | None:
    if path:
        return read_text(path)
    if not conversations:
        return None
    content = "\n\n".join(turn.content for turns in own_conversations() for turn in turns)
    return Text(CONVERSATIONS, content, hashlib.sha256(content.encode()).hexdigest())
