"""A text for measuring that may be shipped with nobody's book: what the model writes from its first token on.

Sampled with a fixed seed, some beginnings side by side, because a batch of tokens costs little more than one. Kept
in the cache, so that all quantizations of a reference are measured with the same text. Another processor may round
otherwise and come to another text; the hash on the card tells.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from q8chat.core import files, paths
from q8chat.core.errors import EvaluateError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.evaluate import file_ids
from q8chat.evaluate.logits import LogitReader
from q8chat.evaluate.types import CTX, FileId, Text
from q8chat.evaluate.windows import checked
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime import native
from q8chat.runtime.model import Model

SEED = 1
SEQUENCES = 8  # beginnings, side by side
TOKENS = 9 * CTX  # in all; written anew as text and read again they become a few less
MIN_P = 0.05  # tokens less likely than this share of the likeliest are left out: small models lose themselves


@dataclass(slots=True)
class _Sequence:
    """One beginning: the token to be read next, its position, and what was written."""

    token: int
    position: int = 0
    written: bytearray = field(default_factory=bytearray)


def own_text(model: Path, progress: Report, cancel: Cancel, tokens: int = TOKENS, threads: int = 0) -> Text:
    """What `model` writes, from the cache if it wrote it before. Raises EvaluateError, CancelledError."""
    found = file_ids.identify(model, progress, cancel)
    if text := kept(model, tokens):
        return text
    with closing(Model(model)) as loaded:
        content = _write(loaded, tokens, threads or default_threads(read_topology()), progress, cancel)
    files.publish(_place(found, tokens), content.encode())
    return _text(found, content, tokens)


def kept(model: Path, tokens: int = TOKENS) -> Text | None:
    """What `model` wrote before; None if it has not, or was changed since. Loads no model."""
    found = file_ids.known(model)
    if found is None or not (place := _place(found, tokens)).exists():
        return None
    return _text(found, place.read_bytes().decode(), tokens)


def _text(model: FileId, content: str, tokens: int) -> Text:
    name = f"own text of {model.name}, {tokens} tokens, seed {SEED}"
    return checked(Text(name, content, hashlib.sha256(content.encode()).hexdigest()))


def _place(model: FileId, tokens: int) -> Path:
    told = json.dumps([model.sha256, tokens, SEED, SEQUENCES, MIN_P, native.version()])
    return paths.cache_dir() / "measure" / f"text-{hashlib.sha256(told.encode()).hexdigest()[:32]}.txt"


def first_token(model: Model) -> int:
    """The beginning of a text, or the end of one where there is no beginning. Raises EvaluateError."""
    lib = model.lib
    for token in (lib.llama_vocab_bos(model.vocab), lib.llama_vocab_eos(model.vocab)):
        if token >= 0:
            return int(token)
    raise EvaluateError(
        f"{model.path.name} has no token for the beginning of a text, so it can't write one.",
        "Give a text (--text).",
    )


def _write(model: Model, tokens: int, threads: int, progress: Report, cancel: Cancel) -> str:
    start = first_token(model)
    steps = -(-tokens // SEQUENCES)
    random = np.random.default_rng(SEED)
    all_sequences = [_Sequence(start) for _ in range(SEQUENCES)]
    with LogitReader(model, max(steps, SEQUENCES), SEQUENCES, threads, SEQUENCES) as reader:
        for step in range(steps):
            progress(
                Progress(step * SEQUENCES, tokens, "tokens", f"{model.path.name} writes a text to measure with")
            )
            entries = [(s.token, s.position, n, True) for n, s in enumerate(all_sequences)]
            logits = reader.decode(entries, cancel)
            for n, (sequence, row) in enumerate(zip(all_sequences, logits, strict=True)):
                token = sample(row, random)
                if model.is_eog(token):  # it has said all; another beginning
                    reader.forget(n)
                    sequence.written += b"\n\n"
                    sequence.token, sequence.position = start, 0
                else:
                    sequence.written += model.piece(token)
                    sequence.token, sequence.position = token, sequence.position + 1
    texts = (s.written.decode("utf-8", "ignore").replace("\0", "").strip() for s in all_sequences)
    return "\n\n".join(texts) + "\n"


def sample(logits: npt.NDArray[np.float32], random: np.random.Generator) -> int:
    """A token at temperature 1, of those that are likely enough. Raises EvaluateError for what are no numbers."""
    p = np.exp(logits.astype(np.float64) - logits.max())
    if not np.isfinite(p).all():
        raise EvaluateError("The model computes values that are no numbers.", "The file is damaged.")
    p[p < MIN_P] = 0
    return int(np.searchsorted(np.cumsum(p), random.random() * p.sum(), side="right"))
