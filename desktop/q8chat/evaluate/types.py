"""What is measured, as plain values. Without numpy: windows and lists show them."""

from __future__ import annotations

import msgspec

CTX = 512  # tokens of a window; llama-perplexity's default
PRECISION = 0.05  # relative half-width of the 95 % interval at which a run of no fixed length ends
SMALLEST_CTX = 8  # tokens: half of them are scored


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to measure. `chunks`: windows to read; 0: as many as `precision` takes, at most the whole text.

    `precision` 0: the whole text. `threads` 0: as many as this machine has cores. `again`: measure although a card
    tells the numbers.
    """

    ctx: int = CTX
    chunks: int = 0
    precision: float = PRECISION
    threads: int = 0
    again: bool = False


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers as llama-perplexity has them, but shares and probabilities are 0..1, where it prints percent.

    Without a reference only `tokens` and the perplexity are known, the rest is None. `..._stderr`: standard errors.
    `dp`: probability of the text's token under the model less that under the reference. KL divergence in nats.
    Percentiles by their name: {"99.9": ...}. `clipped_...`: as llama-perplexity prints them, see `statistics`.
    """

    tokens: int
    perplexity: float
    perplexity_stderr: float
    reference_perplexity: float | None = None
    reference_perplexity_stderr: float | None = None
    perplexity_correlation: float | None = None
    ln_perplexity_ratio: float | None = None
    ln_perplexity_ratio_stderr: float | None = None
    clipped_reference_perplexity: float | None = None
    clipped_ln_perplexity_ratio: float | None = None
    clipped_ln_perplexity_ratio_stderr: float | None = None
    mean_kld: float | None = None
    mean_kld_stderr: float | None = None
    median_kld: float | None = None
    max_kld: float | None = None
    min_kld: float | None = None
    kld_percentiles: dict[str, float] = {}
    mean_dp: float | None = None
    mean_dp_stderr: float | None = None
    rms_dp: float | None = None
    rms_dp_stderr: float | None = None
    dp_percentiles: dict[str, float] = {}
    top1_agreement: float | None = None
    top1_agreement_stderr: float | None = None


class FileId(msgspec.Struct, frozen=True):
    """A model's file as it was when it was measured; with shards, of all of them together."""

    name: str
    size: int
    sha256: str


class QualityCard(Statistics, frozen=True, kw_only=True):
    """The numbers and what they are of.

    `text`: its name; `scored`: tokens of each window that count. `stopped_early`: the interval was narrow enough.
    `continued`: chunks that an interrupted run had read. `seconds`: of the last run. `date`: ISO 8601, UTC.
    """

    model: FileId
    reference: FileId | None
    text: str
    text_sha256: str
    ctx: int
    chunks: int
    chunks_asked: int
    precision: float
    build: str
    stopped_early: bool = False
    continued: int = 0
    seconds: float = 0.0
    threads: int = 0
    method: str = ""
    date: str = ""


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """One file of tasks. Shares 0..1. `acc_norm` is None for tasks the harness does not report it for."""

    task: str
    file: str
    examples: int
    acc: float
    acc_stderr: float
    acc_norm: float | None = None
    acc_norm_stderr: float | None = None
    perplexity: float | None = None


class TaskCard(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of one model."""

    model: FileId
    build: str
    results: tuple[TaskResult, ...]
    file_sha256: tuple[str, ...]
    limit: int = 0
    seconds: float = 0.0
    date: str = ""


class Text(msgspec.Struct, frozen=True):
    """A text to measure with."""

    name: str
    content: str
    sha256: str
