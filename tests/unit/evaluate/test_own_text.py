"""The built-in text: what the model writes from its first token on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from q8chat.core.errors import EvaluateError
from q8chat.core.progress import Cancel, CancelledError, Progress, no_report
from q8chat.evaluate import own_text
from q8chat.evaluate.types import Text
from tests.unit.evaluate.conftest import Measure


def written(model: Path, tokens: int = 96) -> Text:
    return own_text.own_text(model, no_report, Cancel(), tokens, threads=1)


def test_it_is_the_same_again_and_named(starter_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(starter_model)
    assert first.name == f"own text of {starter_model.name}, 96 tokens, seed 1"
    assert len(first.content.split()) > 20
    assert own_text.kept(starter_model, 96) == first
    assert written(starter_model) == first
    monkeypatch.setattr(own_text, "SEED", 2)
    assert own_text.kept(starter_model, 96) is None
    assert written(starter_model).content != first.content


def test_a_model_can_be_measured_with_it(starter_model: Path, measure: Measure) -> None:
    card = measure(starter_model, ctx=16, chunks=2, of=written(starter_model))
    assert card.text.startswith("own text of ")
    assert 1 < card.perplexity < 1000


def test_stopping_it_leaves_nothing(starter_model: Path) -> None:
    cancel = Cancel()

    def stop(progress: Progress) -> None:
        if (progress.unit, progress.done) == ("tokens", 16):
            cancel.set()

    with pytest.raises(CancelledError):
        own_text.own_text(starter_model, stop, cancel, 96, threads=1)
    assert own_text.kept(starter_model, 96) is None


def test_unlikely_tokens_are_not_taken() -> None:
    random = np.random.default_rng(0)
    p = np.array([0.5, 0.3, 0.19, 0.01])  # the last has less than a twentieth of the first
    taken = [own_text.sample(np.log(p).astype(np.float32), random) for _ in range(2000)]
    shares = np.bincount(taken, minlength=4) / 2000
    assert shares[3] == 0
    np.testing.assert_allclose(shares[:3], p[:3] / 0.99, atol=0.04)


def test_nan_is_not_sampled_from() -> None:
    with pytest.raises(EvaluateError):
        own_text.sample(np.array([1.0, np.nan], np.float32), np.random.default_rng(0))
