"""From logits to scores of tokens, from scores to the numbers of llama-perplexity.

The formulas are those of `llama-perplexity --kl-divergence`. It has the reference's logits in 16 bits, we have them
as they are. For the KL divergence that makes no difference that can be seen; but 16 bits reach only 16 below the
largest logit, which flatters the reference where the text surprises it: SmolLM2's perplexity of 25.45 becomes
25.31.
So what depends on it is there twice, as it is and `clipped` as llama-perplexity prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import msgspec
import numpy as np
import numpy.typing as npt

from q8chat.evaluate.types import Statistics

Logits = npt.NDArray[np.float32]  # (rows, n_vocab)
Scores = npt.NDArray[np.float64]  # (rows, columns): one line for each scored token

NLL, NLL_BASE, CLIPPED, KLD, DP, SAME_TOP = range(6)  # columns; without a reference there is only the first
ALONE, COMPARED = 1, 6
CLIP = 16.0  # below the largest logit; what llama-perplexity's file can hold
LEAST_BASE = np.float32(-16.0)  # ln p of the reference: what is less likely does not count for the KL divergence
BLOCK = 1 << 20  # logits that are worked on at once, so that they stay in the processor's cache
FEW = 10  # values: with fewer llama-perplexity states no error
KLD_PERCENTILES = (0.1, 1.0, 5.0, 10.0, 90.0, 95.0, 99.0, 99.9)
DP_PERCENTILES = (0.0, 0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)


def score(logits: Logits, base: Logits | None, targets: Sequence[int], pool: Executor) -> Scores:
    """Scores of a window's rows: `logits` of the model, `base` those of the reference, `targets` what came.

    A model that computes NaN or infinities gives scores that are not finite.
    """
    right = np.asarray(targets, np.int64)
    step = max(1, BLOCK // logits.shape[1])

    def part(start: int) -> Scores:
        rows = slice(start, start + step)
        if base is None:
            return -_log_p(logits[rows], right[rows])[:, None]
        return _compare(logits[rows], base[rows], right[rows])

    with np.errstate(invalid="ignore", over="ignore"):
        return np.concatenate(list(pool.map(part, range(0, len(right), step))))


def log_sum_exp(x: Logits) -> npt.NDArray[np.float64]:
    """Per row, in nats."""
    top = x.max(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(top + np.log(np.exp(x - top[:, None]).sum(axis=1, dtype=np.float64)))


def _log_p(x: Logits, right: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.asarray(x[np.arange(len(right)), right] - log_sum_exp(x))


def _compare(x: Logits, base: Logits, right: npt.NDArray[np.int64]) -> Scores:
    rows = np.arange(len(right))
    norm, norm_base = log_sum_exp(x), log_sum_exp(base)
    log_p, log_base = x[rows, right] - norm, base[rows, right] - norm_base
    found = np.empty((len(right), COMPARED))
    found[:, NLL], found[:, NLL_BASE] = -log_p, -log_base
    found[:, CLIPPED] = norm_base - np.maximum(base[rows, right], base.max(axis=1) - CLIP)
    found[:, DP] = np.exp(log_p) - np.exp(log_base)
    found[:, SAME_TOP] = x.argmax(axis=1) == base.argmax(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):  # numpy keeps this per thread
        all_base = base - norm_base[:, None].astype(np.float32)
        terms = all_base - (x - norm[:, None].astype(np.float32))
        counts = all_base > LEAST_BASE
        np.exp(all_base, out=all_base)
        np.multiply(all_base, terms, out=terms)
        found[:, KLD] = terms.sum(axis=1, dtype=np.float64, where=counts)
    return found


def summary(scores: Scores) -> Statistics:
    """The numbers of all scored tokens."""
    nll, nll_error = _mean(scores[:, NLL])
    perplexity = float(np.exp(nll))
    alone = Statistics(tokens=len(scores), perplexity=perplexity, perplexity_stderr=perplexity * nll_error)
    return alone if scores.shape[1] == ALONE else _compared(alone, scores)


def _compared(alone: Statistics, scores: Scores) -> Statistics:
    nll, nll_error = _mean(scores[:, NLL])
    base, base_error = _mean(scores[:, NLL_BASE])
    both = nll_error * base_error
    clipped, _ = _mean(scores[:, CLIPPED])
    kld, kld_error = _mean(scores[:, KLD])
    dp, dp_error = _mean(scores[:, DP])
    square, square_error = _mean(scores[:, DP] ** 2)
    rms = float(np.sqrt(square))
    same, _ = _mean(scores[:, SAME_TOP])
    return msgspec.structs.replace(
        alone,
        reference_perplexity=float(np.exp(base)),
        reference_perplexity_stderr=float(np.exp(base)) * base_error,
        perplexity_correlation=_covariance(scores[:, NLL], scores[:, NLL_BASE]) / both if both else None,
        ln_perplexity_ratio=nll - base,
        ln_perplexity_ratio_stderr=_error_of_difference(scores, NLL_BASE),
        clipped_reference_perplexity=float(np.exp(clipped)),
        clipped_ln_perplexity_ratio=nll - clipped,
        clipped_ln_perplexity_ratio_stderr=_error_of_difference(scores, CLIPPED),
        mean_kld=kld,
        mean_kld_stderr=kld_error,
        median_kld=float(np.median(scores[:, KLD])),
        max_kld=float(scores[:, KLD].max()),
        min_kld=float(scores[:, KLD].min()),
        kld_percentiles=_percentiles(scores[:, KLD], KLD_PERCENTILES),
        mean_dp=dp,
        mean_dp_stderr=dp_error,
        rms_dp=rms,
        rms_dp_stderr=0.5 / rms * square_error if rms else 0.0,
        dp_percentiles=_percentiles(scores[:, DP], DP_PERCENTILES),
        top1_agreement=same,
        top1_agreement_stderr=float(np.sqrt(same * (1 - same) / max(1, len(scores) - 1))),
    )


def relative_error(scores: Scores) -> float:
    """Half of the 95 % interval of what a run is about: of the mean KL divergence, relative to it, or else of the
    perplexity. Infinite while there are too few values."""
    mean, error = _mean(scores[:, KLD if scores.shape[1] == COMPARED else NLL])
    if len(scores) <= FEW:
        return float("inf")
    if scores.shape[1] == ALONE:
        return 1.96 * error
    return 1.96 * error / mean if mean > 0 else 0.0


def _mean(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Mean and its standard error."""
    n = len(values)
    return float(values.mean()), float(np.sqrt(values.var() / (n - 1))) if n > FEW else 0.0


def _error_of_difference(scores: Scores, base: int) -> float:
    """Standard error of the mean of NLL less column `base`, which go up and down together."""
    _, error = _mean(scores[:, NLL])
    _, base_error = _mean(scores[:, base])
    square = error**2 + base_error**2 - 2 * _covariance(scores[:, NLL], scores[:, base])
    return float(np.sqrt(max(0.0, square)))


def _covariance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Of the two means."""
    n = len(a)
    return float(((a - a.mean()) * (b - b.mean())).mean() / (n - 1)) if n >= FEW else 0.0


def _percentiles(values: npt.NDArray[np.float64], wanted: Sequence[float]) -> dict[str, float]:
    found = np.percentile(values, wanted)
    return {f"{p:g}": float(v) for p, v in zip(wanted, found, strict=True)}
