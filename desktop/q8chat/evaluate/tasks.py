"""Multiple choice and last words, scored as the Language Model Evaluation Harness scores them.

Of every candidate the log-likelihood after its context counts: `acc` chooses the largest, `acc_norm` the largest
per character. Errors are the harness's: sample standard deviation / sqrt(n).
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from q8chat.core.errors import EvaluateError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.evaluate import cards, file_ids
from q8chat.evaluate.logits import LogitReader
from q8chat.evaluate.own_text import first_token
from q8chat.evaluate.statistics import log_sum_exp
from q8chat.evaluate.task_formats import Question, read_tasks
from q8chat.evaluate.types import TaskCard, TaskResult
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime import native
from q8chat.runtime.model import Model

LONGEST = 1024  # tokens of a context and its candidate; the beginning of what is longer is left out
ROWS = 256  # most tokens a candidate may have


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Of a candidate: the logarithm in nats, and whether each of its tokens is the likeliest."""

    total: float
    greedy: bool


def run(
    model: Path,
    files: Sequence[Path],
    progress: Report,
    cancel: Cancel,
    *,
    limit: int = 0,
    threads: int = 0,
    again: bool = False,
) -> TaskCard:
    """Score the first `limit` tasks (0: all) of each file. The card is kept.

    Raises EvaluateError (a file or line that can't be used, NaN), ModelFileError, CancelledError.
    """
    before = file_ids.state(model)
    found = file_ids.identify(model, progress, cancel)
    read = [(path, *read_tasks(path)) for path in files]
    hashes = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    told = json.dumps([found.sha256, hashes, limit, native.version()])
    key = hashlib.sha256(told.encode()).hexdigest()
    if not again and (card := cards.tasks(key)):
        return card
    began = time.monotonic()
    results = []
    with closing(Model(model)) as loaded, closing(_Scorer(loaded, threads, cancel)) as scorer:
        for path, name, questions in read:
            chosen = questions[:limit] if limit else questions
            results.append(_file(scorer, path.name, name, chosen, progress))
            file_ids.check_same(model, before)
    card = TaskCard(
        model=found,
        build=native.version(),
        results=tuple(results),
        file_sha256=hashes,
        limit=limit,
        seconds=round(time.monotonic() - began, 3),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    cards.save(key, card)
    return card


def compared(before: TaskCard, after: TaskCard) -> dict[str, float]:
    """What quantization did: the share of tasks whose accuracy did not fall, and the mean relative degradation."""
    pairs = [(b.acc, a.acc) for b, a in zip(before.results, after.results, strict=True)]
    losses = [(b - a) / b for b, a in pairs if b > 0]
    return {
        "improved": sum(a > b for b, a in pairs) / len(pairs),
        "not_worse": sum(a >= b for b, a in pairs) / len(pairs),
        "mean_degradation": math.fsum(losses) / len(losses) if losses else 0.0,
    }


class _Scorer:
    def __init__(self, model: Model, threads: int, cancel: Cancel) -> None:
        self.model, self.cancel = model, cancel
        n_ctx = min(LONGEST, model.n_ctx_train or LONGEST)
        self.reader = LogitReader(model, n_ctx, min(ROWS, n_ctx), threads or default_threads(read_topology()))
        self.bos = bool(model.lib.llama_vocab_get_add_bos(model.vocab))

    def close(self) -> None:
        self.reader.close()

    def tokens(self, context: str, candidate: str) -> tuple[list[int], int]:
        """Tokens of both together, and how many of them are the candidate's: as the harness splits them.

        Spaces at the end of the context go to the candidate; what is left of the whole after as many tokens as the
        context alone has is the candidate.
        """
        trimmed = context.rstrip()
        candidate = context[len(trimmed) :] + candidate
        encode = self.model.tokenize
        own = encode(trimmed, parse_special=False) if trimmed else []
        whole = encode(trimmed + candidate, parse_special=False)
        n = len(whole) - len(own)
        if self.bos or not own:
            whole.insert(0, first_token(self.model))
        return whole, n

    def likelihood(self, context: str, candidate: str) -> Likelihood:
        """Raises EvaluateError if the candidate has no tokens or too many, or the model computes no numbers."""
        whole, n = self.tokens(context, candidate)
        if not 0 < n <= self.reader.rows:
            raise EvaluateError(f"A candidate has {n} tokens; there must be 1 to {self.reader.rows}.")
        whole = whole[-(self.reader.n_ctx + 1) :]
        window = whole[:-1]
        logits = self.reader.read(window, len(window) - n, n, self.cancel)
        right = np.asarray(whole[-n:])
        values = logits[np.arange(n), right] - log_sum_exp(logits)
        if not np.isfinite(values).all():
            raise EvaluateError(
                f"{self.model.path.name} computes values that are no numbers (NaN or infinite).",
                "The file is damaged: make it anew.",
            )
        return Likelihood(float(values.sum()), bool((logits.argmax(axis=1) == right).all()))


def _file(scorer: _Scorer, file: str, name: str, questions: Sequence[Question], progress: Report) -> TaskResult:
    hits: list[float] = []
    hits_norm: list[float] = []
    single: list[float] = []
    for done, question in enumerate(questions):
        progress(Progress(done, len(questions), "tasks", f"Answering {file}"))
        try:
            found = [scorer.likelihood(*candidate) for candidate in question.candidates]
        except EvaluateError as e:
            raise EvaluateError(f"{file}, task {done + 1}: {e.message}", e.hint) from e
        totals = [f.total for f in found]
        if len(found) == 1:
            hits.append(found[0].greedy)
            single.append(totals[0])
            continue
        hits.append(int(np.argmax(totals)) == question.right)
        if question.lengths:
            lengths = np.maximum(1, question.lengths)
            hits_norm.append(int(np.argmax(np.divide(totals, lengths))) == question.right)
    acc, error = _mean(hits)
    norm, norm_error = _mean(hits_norm) if hits_norm else (None, None)
    return TaskResult(
        task=name,
        file=file,
        examples=len(questions),
        acc=acc,
        acc_stderr=error,
        acc_norm=norm,
        acc_norm_stderr=norm_error,
        perplexity=math.exp(-math.fsum(single) / len(single)) if single else None,
    )


def _mean(hits: Sequence[float]) -> tuple[float, float]:
    values = np.asarray(hits, np.float64)
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0
