"""Importance matrices as jobs: here the user's own conversations meet the quantizer."""

from __future__ import annotations

from pathlib import Path

from q8chat.chat.store import Store
from q8chat.chat.turns import turns_of
from q8chat.core import paths
from q8chat.core.errors import QuantizeError
from q8chat.core.progress import Cancel, Report
from q8chat.quantize import make_imatrix
from q8chat.quantize.calibration import Calibration
from q8chat.quantize.make_imatrix import ImatrixOptions, MadeImatrix
from q8chat.runtime.messages import Turn


def run(
    model: Path,
    out: Path,
    *,
    texts: tuple[Path, ...],
    conversations: bool,
    options: ImatrixOptions,
    progress: Report,
    cancel: Cancel,
) -> MadeImatrix:
    """Read `texts`, and the user's conversations if asked to, with `model`, and write `out`."""
    calibration = Calibration(texts, own_conversations() if conversations else ())
    return make_imatrix.make_imatrix(model, out, calibration, options, progress=progress, cancel=cancel)


def discard(out: Path) -> None:
    """Remove what an unfinished run left."""
    make_imatrix.discard(out)


def own_conversations(database: Path | None = None) -> tuple[tuple[Turn, ...], ...]:
    """The shown branch of every conversation that has an answer, the oldest first.

    Raises QuantizeError if none has one.
    """
    database = database or paths.database_path()
    found = []
    if database.exists():
        with Store(database) as store:
            for conversation in sorted(store.conversations(), key=lambda c: c.created):
                branch = [p.message for p in store.path(conversation.id)]
                while branch and not (branch[-1].role == "assistant" and branch[-1].content):
                    branch.pop()
                if len(branch) >= 2:
                    turns = turns_of(conversation.system_prompt, branch[:-1])
                    found.append((*turns, Turn("assistant", branch[-1].content)))
    if not found:
        raise QuantizeError("There are no conversations with answers yet.", "Choose a text file instead.")
    return tuple(found)
