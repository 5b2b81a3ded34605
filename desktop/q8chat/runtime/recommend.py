"""Which of a model's quantizations to recommend on this machine, and why.

The rule: of those that fit, up to Q8_0 if that is small (at most 2 GiB and a quarter of the free memory): next to
nothing is lost and nobody misses the memory. Else the best up to Q4_K_M: on a CPU the speed of an answer is set by
the bytes read per token, and above it the gain in quality is small. Between levels of about the same quality the
one whose weights this CPU has a fast kernel for. Lower levels only if those do not fit, "tight" ones only if
nothing fits, "too big" ones never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from q8chat.core.units import size
from q8chat.runtime.footprint import Verdict
from q8chat.runtime.kernels import AMX, PLAIN

SMALL = 2 << 30  # bytes of memory in total
SMALL_SHARE = 0.25  # of the available memory
NEAR = 3  # levels of quality: differences of so little are for the kernel to decide

# Quality of a level, higher is better, in the order of the perplexities that llama.cpp's quantize tool publishes.
_QUALITY = {
    "Q8_0": 100,
    "Q6_K": 95,
    "Q5_K_M": 90,
    "Q5_K": 90,
    "Q5_K_S": 88,
    "Q5_1": 86,
    "Q5_0": 85,
    "Q4_K_M": 80,
    "Q4_K": 80,
    "Q4_K_S": 78,
    "IQ4_NL": 78,
    "IQ4_XS": 77,
    "MXFP4": 77,
    "MXFP4_MOE": 77,
    "Q4_1": 74,
    "Q4_0": 73,
    "Q3_K_L": 62,
    "Q3_K_M": 60,
    "Q3_K": 60,
    "IQ3_M": 59,
    "IQ3_S": 57,
    "Q3_K_S": 52,
    "IQ3_XS": 52,
    "IQ3_XXS": 48,
    "Q2_K": 35,
    "IQ2_M": 34,
    "Q2_K_S": 30,
    "IQ2_S": 29,
    "IQ2_XS": 25,
    "IQ2_XXS": 20,
    "TQ2_0": 15,
    "TQ1_0": 10,
    "IQ1_M": 8,
    "IQ1_S": 5,
}
_FLOATS = frozenset({"BF16", "F16", "F32"})  # twice the memory of Q8_0 for nothing one can notice: only if alone
_UNKNOWN = 2
_BEST_SMALL, _BEST = 100, 80


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of a list. total: bytes of memory at the chosen context. kernel: see `kernels.kernel_for`."""

    label: str
    total: int
    verdict: Verdict
    kernel: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """index: into the list that was given. reason: one sentence for people."""

    index: int
    reason: str


def quality(label: str) -> int:
    """Of a level by its name; "UD-Q4_K_XL" counts as Q4_K_M."""
    name = label.upper().removeprefix("UD-")
    for ending, same in (
        ("_XXL", "_M"),
        ("_XL", "_M"),
        ("_L", "_M"),
        ("_M", ""),
    ):  # mixes of others have longer names
        if name not in _QUALITY and name.endswith(ending):
            name = name.removesuffix(ending) + same
    return _QUALITY.get(name, _UNKNOWN)


def recommend(rows: Sequence[Choice], available: int, n_ctx: int) -> Recommendation | None:
    """The row to take with `available` bytes of memory and a context of n_ctx tokens; None if all are too big."""
    for wanted in ("fits", "tight"):
        usable = [i for i, row in enumerate(rows) if row.verdict == wanted]
        if usable:
            return _best(rows, usable, available, n_ctx)
    return None


def _best(rows: Sequence[Choice], usable: list[int], available: int, n_ctx: int) -> Recommendation:
    def limit(row: Choice) -> int:
        plenty = row.total <= SMALL and row.total <= SMALL_SHARE * available
        return _BEST_SMALL if plenty else _BEST

    quantized = [i for i in usable if rows[i].label.upper() not in _FLOATS]
    within = [i for i in quantized if quality(rows[i].label) <= limit(rows[i])]
    if within:
        top = max(quality(rows[i].label) for i in within)
        near = [i for i in within if quality(rows[i].label) >= top - NEAR]
        best = max(near, key=lambda i: (speed(rows[i].kernel), quality(rows[i].label), -rows[i].total))
    else:  # only levels beyond what is needed: the smallest
        best = min(usable, key=lambda i: rows[i].total)
    return Recommendation(best, _reason(rows, usable, best, n_ctx))


def speed(kernel: str) -> int:
    """Kernels from slow to fast: the plain ones, vectors, vectors with dot products or repacked weights, AMX."""
    if kernel == AMX:
        return 3
    if "VNNI" in kernel or "repacked" in kernel:
        return 2
    return 0 if kernel == PLAIN else 1


def _reason(rows: Sequence[Choice], usable: list[int], best: int, n_ctx: int) -> str:
    row = rows[best]
    where = f"{size(row.total)} of memory at {n_ctx:,} tokens"
    if row.verdict == "tight":
        return f"The least memory of all that can be loaded ({where}), but little would be left for other programs."
    if quality(row.label) > _BEST:
        return f"It is small ({where}), so the best quality costs little."
    better = [r for r in rows if quality(r.label) > quality(row.label) and quality(r.label) <= _BEST]
    if any(r.verdict != "fits" for r in better):
        return f"The best quality that fits ({where})."
    return f"The best balance of quality, speed and memory ({where}; {row.kernel} kernels)."
