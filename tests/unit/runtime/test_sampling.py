"""Sampling settings: their limits, and that each does what it says, on the real model."""

from __future__ import annotations

import math

import pytest

from q8chat.core.errors import UsageError
from q8chat.runtime.messages import Failed, Turn
from q8chat.runtime.sampling import LIMITS, Sampling
from tests.unit.runtime.engine_driver import Driver

QUESTION = [Turn("user", "Tell me about the sea.")]


def test_the_defaults_are_within_their_limits() -> None:
    assert Sampling().validated() == Sampling()


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    low, high = LIMITS[name]
    kind = type(getattr(Sampling(), name))
    for value in (low, high):
        Sampling(**{name: kind(value)}).validated()
    for value in (low - 1, high + 1, math.nan, math.inf, -math.inf):
        with pytest.raises(UsageError, match=name):
            Sampling(**{name: value}).validated()


def test_dictionary_round_trip() -> None:
    sampling = Sampling(0.1, 2, 0.3, 0.4, 1.5, 6, 7)
    assert Sampling.from_dict(sampling.to_dict()) == sampling


def test_the_engine_refuses_what_is_out_of_range_and_goes_on(shared_engine: Driver) -> None:
    shared_engine.request(QUESTION, Sampling(temperature=-1))
    failed = shared_engine.wait(Failed)
    assert failed.code == "usage"
    assert "temperature" in failed.message
    assert shared_engine.ask(QUESTION).text


def say(engine: Driver, **settings: object) -> str:
    return engine.ask(QUESTION, Sampling(**{"max_tokens": 16, **settings})).text  # type: ignore[arg-type]


def test_a_seed_gives_the_same_text_and_another_seed_another(shared_engine: Driver) -> None:
    texts = {seed: say(shared_engine, temperature=1.5, seed=seed) for seed in (1, 2, 3)}
    assert len(set(texts.values())) == 3
    assert say(shared_engine, temperature=1.5, seed=2) == texts[2]


def test_a_random_seed_is_told_and_repeats_the_answer(shared_engine: Driver) -> None:
    first = shared_engine.ask(QUESTION, Sampling(temperature=1.5, max_tokens=16))
    second = shared_engine.ask(QUESTION, Sampling(temperature=1.5, max_tokens=16))
    assert first.done.usage.seed != second.done.usage.seed
    assert say(shared_engine, temperature=1.5, seed=first.done.usage.seed) == first.text


@pytest.mark.parametrize("settings", [{"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}])
def test_filters_that_leave_one_token_are_greedy(shared_engine: Driver, settings: dict[str, float]) -> None:
    greedy = say(shared_engine, temperature=0)
    assert say(shared_engine, temperature=2.0, seed=5, **settings) == greedy
    assert say(shared_engine, temperature=2.0, seed=5, top_k=0, top_p=1.0, min_p=0.0) != greedy


def test_the_repeat_penalty_forbids_repetition(shared_engine: Driver) -> None:
    turns = [Turn("user", "Say: ha ha ha ha ha ha ha ha ha ha ha ha")]
    plain = shared_engine.ask(turns, Sampling(temperature=0, max_tokens=40)).text
    varied = shared_engine.ask(turns, Sampling(temperature=0, max_tokens=40, repeat_penalty=2.0)).text

    def distinct(text: str) -> float:
        words = text.split()
        return len(set(words)) / len(words)

    assert distinct(varied) > distinct(plain)


def test_max_tokens(shared_engine: Driver) -> None:
    reply = shared_engine.ask(QUESTION, Sampling(temperature=0, max_tokens=5))
    assert (reply.done.reason, reply.done.usage.completion_tokens) == ("length", 5)
