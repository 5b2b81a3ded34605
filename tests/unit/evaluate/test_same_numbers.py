"""The numbers are those of llama-perplexity, and those numpy computes from all logits."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from q8chat.core.progress import Cancel
from q8chat.evaluate import reference, statistics
from q8chat.evaluate.logits import LogitReader
from q8chat.evaluate.reference import IN_TURNS, SIDE_BY_SIDE, Work
from q8chat.evaluate.statistics import DP, KLD, NLL, NLL_BASE, SAME_TOP, score, summary
from q8chat.evaluate.types import QualityCard, Statistics, Text
from q8chat.evaluate.windows import cut, vocabulary
from q8chat.runtime.model import Model
from tests.unit.evaluate.conftest import Measure

RECORDED = (Path(__file__).parent / "recorded" / "starter_q4_0.txt").read_text()


def recorded(name: str) -> tuple[float, float]:
    """A number and its error as llama-perplexity printed them; percent become shares."""
    found = re.search(rf"^ *{re.escape(name)} *: *(\S+?)(?: ± *(\S+?))?( ?%)?$", RECORDED, re.M)
    assert found, name
    unit = 100 if found[3] else 1
    return float(found[1]) / unit, float(found[2] or 0) / unit


@pytest.fixture(scope="module")
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


def test_llama_perplexity(starter_model: Path, starter_q4_0: Path, measure: Measure) -> None:
    """`llama-perplexity -c 128 -b 128 --chunks 6` on the starter, then `--kl-divergence` on its Q4_0."""
    card = measure(starter_q4_0, starter_model, ctx=128, chunks=6)
    assert (card.tokens, card.chunks) == (378, 6)
    assert (card.perplexity, card.perplexity_stderr) == pytest.approx(recorded("Mean PPL(Q)"), rel=0.005)
    base = card.clipped_reference_perplexity, card.reference_perplexity_stderr
    assert base == pytest.approx(recorded("Mean PPL(base)"), rel=0.005)
    ratio = card.clipped_ln_perplexity_ratio, card.clipped_ln_perplexity_ratio_stderr
    assert ratio == pytest.approx(recorded("Mean ln(PPL(Q)/PPL(base))"), rel=0.02)
    assert card.perplexity_correlation == pytest.approx(recorded("Cor(ln(PPL(Q)), ln(PPL(base)))")[0], abs=0.003)
    kld = card.mean_kld, card.mean_kld_stderr
    assert kld == pytest.approx(recorded("Mean    KLD"), rel=0.01)
    assert card.top1_agreement == pytest.approx(recorded("Same top p")[0], abs=0.003)  # one token of 378
    assert card.top1_agreement_stderr == pytest.approx(recorded("Same top p")[1], rel=0.02)
    assert (card.mean_dp, card.mean_dp_stderr) == pytest.approx(recorded("Mean    Δp"), rel=0.01)
    assert (card.rms_dp, card.rms_dp_stderr) == pytest.approx(recorded("RMS Δp"), rel=0.01)
    check_percentiles(card)


def check_percentiles(card: QualityCard) -> None:
    assert card.median_kld == pytest.approx(recorded("Median  KLD")[0], rel=0.01)
    assert card.max_kld == pytest.approx(recorded("Maximum KLD")[0], rel=0.01)
    for name, value in card.kld_percentiles.items():
        expected = recorded(f"{float(name):.1f}%   KLD")[0]
        assert value == pytest.approx(expected, rel=0.02, abs=2e-4), name
    ends = {"0": "Minimum Δp", "50": "Median  Δp", "100": "Maximum Δp"}
    for name, value in card.dp_percentiles.items():
        expected = recorded(ends.get(name, f"{float(name):.1f}%   Δp"))[0]
        assert value == pytest.approx(expected, rel=0.01, abs=1e-3), name


def all_logits(path: Path, text: Text, ctx: int, chunk: int) -> np.ndarray:
    """Of every position of a window: (ctx, n_vocab), float64."""
    with closing(Model(path)) as model, LogitReader(model, ctx, ctx, 1) as reader:
        window = cut(model, text, ctx).window(chunk)
        return np.array(reader.read(window, 0, ctx, Cancel()), np.float64)


def test_numpy_from_all_logits(starter_model: Path, starter_q4_0: Path, measure: Measure, text: Text) -> None:
    ctx, chunks = 32, 2
    card = measure(starter_q4_0, starter_model, ctx=ctx, chunks=chunks)
    with closing(Model(starter_model)) as model:
        tokens = model.tokenize(text.content.removesuffix("\n"), add_special=True, parse_special=False)
    kld, nll, dp, same = [], [], [], []
    for chunk in range(chunks):
        log_p, log_q = (
            x - np.log(np.exp(x).sum(axis=1, keepdims=True))
            for x in (all_logits(path, text, ctx, chunk) for path in (starter_model, starter_q4_0))
        )
        for position in range(16, 31):
            p, q = log_p[position], log_q[position]
            token = tokens[chunk * ctx + position + 1]
            kld.append(np.sum(np.exp(p) * (p - q) * (p > -16)))
            nll.append(-q[token])
            dp.append(np.exp(q[token]) - np.exp(p[token]))
            same.append(p.argmax() == q.argmax())
    assert card.tokens == len(kld) == 30
    assert card.perplexity == pytest.approx(np.exp(np.mean(nll)), rel=1e-5)
    assert card.perplexity_stderr == pytest.approx(card.perplexity * np.std(nll, ddof=1) / np.sqrt(30), rel=1e-5)
    assert card.mean_kld == pytest.approx(np.mean(kld), rel=1e-4)
    assert card.mean_kld_stderr == pytest.approx(np.std(kld, ddof=1) / np.sqrt(30), rel=1e-4)
    assert card.median_kld == pytest.approx(np.median(kld), rel=1e-4)
    assert card.kld_percentiles["99"] == pytest.approx(np.percentile(kld, 99), rel=1e-4)
    assert card.rms_dp == pytest.approx(np.sqrt(np.mean(np.square(dp))), rel=1e-4)
    assert card.top1_agreement == np.mean(same)


def test_a_model_loses_nothing_against_itself(starter_model: Path, measure: Measure) -> None:
    card = measure(starter_model, starter_model, chunks=2)
    assert card.perplexity == card.reference_perplexity
    assert card.mean_kld == pytest.approx(0, abs=1e-6)
    assert (card.top1_agreement, card.rms_dp, card.ln_perplexity_ratio) == (1, 0, 0)


def test_in_turns_gives_the_same(
    starter_model: Path, starter_q4_0: Path, text: Text, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory is short; here with two windows in each turn."""
    with closing(Model(starter_model)) as model:
        windows, words = cut(model, text, 32), vocabulary(model)
        monkeypatch.setattr(reference, "TURN_BYTES", 2 * windows.scored * model.n_vocab * 4)
    work = Work(windows, words, 5, 1, pool, Cancel())
    found = [
        np.concatenate(list(reference.scores(method, starter_q4_0, starter_model, work, 0)))
        for method in (SIDE_BY_SIDE, IN_TURNS)
    ]
    assert found[0].shape == (5 * 15, 6)
    np.testing.assert_array_equal(*found)


def test_both_models_are_loaded_where_memory_allows_it(starter_model: Path) -> None:
    size = starter_model.stat().st_size

    def method(base: Path | None, available: int) -> str:
        return reference.choose_method(starter_model, base, 512, 49152, available=available)

    assert method(starter_model, 10 * size) == SIDE_BY_SIDE
    assert method(starter_model, 2 * size) == IN_TURNS  # room for the weights alone is not enough
    assert method(None, 0) == reference.ALONE


def random_logits(seed: int, rows: int = 40, n_vocab: int = 3000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4, (rows, n_vocab)).astype(np.float32)


def test_scores_of_a_row_are_those_of_the_definition(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "BLOCK", 7 * 3000)  # 40 rows in uneven blocks
    x, base = random_logits(1), random_logits(2)
    base[:, 5] = -80  # so unlikely that llama-perplexity does not hold it
    right = [5, *range(39)]
    found = score(x, base, right, pool)
    p, q = (v.astype(np.float64) for v in (base, x))
    p, q = (v - np.log(np.exp(v - v.max()).sum(axis=1, keepdims=True)) - v.max() for v in (p, q))
    rows = np.arange(40)
    np.testing.assert_allclose(found[:, NLL], -q[rows, right], rtol=1e-5)
    np.testing.assert_allclose(found[:, NLL_BASE], -p[rows, right], rtol=1e-5)
    np.testing.assert_allclose(found[:, KLD], (np.exp(p) * (p - q) * (p > -16)).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found[:, DP], np.exp(q[rows, right]) - np.exp(p[rows, right]), atol=1e-6)
    assert (found[:, SAME_TOP] == (p.argmax(axis=1) == q.argmax(axis=1))).all()
    clipped = found[0, statistics.CLIPPED]
    assert clipped == pytest.approx(16 - (p[0].max()), rel=1e-5)
    assert clipped < found[0, NLL_BASE]


def test_without_a_reference_there_is_the_perplexity(starter_model: Path, measure: Measure) -> None:
    alone, beside = measure(starter_model), measure(starter_model, starter_model)
    assert (alone.perplexity, alone.perplexity_stderr) == (beside.perplexity, beside.perplexity_stderr)
    assert (alone.mean_kld, alone.reference, alone.kld_percentiles) == (None, None, {})
    assert isinstance(alone, QualityCard)


def test_few_values_have_no_error() -> None:
    found = summary(np.array([[1.0], [2.0], [3.0]]))
    assert found == Statistics(tokens=3, perplexity=pytest.approx(np.exp(2)), perplexity_stderr=0.0)
    assert statistics.relative_error(np.array([[1.0], [2.0]])) == float("inf")
