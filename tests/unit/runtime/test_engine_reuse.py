"""No token is evaluated twice, whatever the user does next."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.runtime.messages import Turn
from tests.unit.runtime.engine_driver import GREEDY, Driver, Reply


def evaluated(reply: Reply) -> int:
    """Prompt tokens that were computed for this answer."""
    return reply.done.usage.prompt_tokens - reply.done.usage.reused_tokens


def test_second_turn_reads_only_what_is_new(shared_engine: Driver) -> None:
    first, turns = shared_engine.talk([], "Tell me about the river Nile.")
    second, _ = shared_engine.talk(turns, "And the Danube?")
    usage = first.done.usage
    assert second.done.usage.reused_tokens >= usage.prompt_tokens + usage.completion_tokens - 1
    assert evaluated(second) < 20


def test_regenerating_reads_only_the_last_token(shared_engine: Driver) -> None:
    turns = [Turn("user", "Name three colours of the rainbow.")]
    first = shared_engine.ask(turns)
    again = shared_engine.ask(turns)
    assert evaluated(again) == 1
    assert again.text == first.text


def test_edit_keeps_the_common_beginning(shared_engine: Driver) -> None:
    _, turns = shared_engine.talk([], "What is a comet made of?")
    _, _ = shared_engine.talk(turns, "Is it hot?")
    edited, _ = shared_engine.talk(turns, "Is it cold?")
    assert evaluated(edited) < 15


def test_going_back_to_another_branch_reads_nothing_again(shared_engine: Driver) -> None:
    _, trunk = shared_engine.talk([], "Let us talk about trees.")
    _, left = shared_engine.talk(trunk, "Tell me about the oak and how old it can become.")
    _, right = shared_engine.talk(trunk, "Tell me about palm trees on an island in the sea.")
    back, _ = shared_engine.talk(left, "Why?")
    forth, _ = shared_engine.talk(right, "Why?")
    assert evaluated(back) < 15
    assert evaluated(forth) < 15


def test_another_conversation_in_between_costs_nothing(shared_engine: Driver) -> None:
    _, mine = shared_engine.talk([], "My dog is called Bello and he is four years old.")
    shared_engine.talk([], "Something else entirely: list some prime numbers.")
    back, _ = shared_engine.talk(mine, "How old is he?")
    assert evaluated(back) < 20


def test_reused_and_fresh_answers_are_the_same(starter_model: Path, shared_engine: Driver, engine: Driver) -> None:
    """The strongest check of the cache: a fresh engine that reads everything says the same, token by token."""
    _, trunk = shared_engine.talk([], "Let us talk about the sea.")
    shared_engine.talk(trunk, "What lives in it?")
    reused, _ = shared_engine.talk(trunk, "How deep is it?")
    engine.load(starter_model)
    fresh, _ = engine.talk(trunk, "How deep is it?")
    assert reused.done.usage.reused_tokens > 0 == fresh.done.usage.reused_tokens
    assert reused.text == fresh.text


def test_same_seed_same_text_other_seed_other_text(shared_engine: Driver) -> None:
    turns = [Turn("user", "Invent a name for a ship.")]

    def with_seed(seed: int) -> str:
        return shared_engine.ask(turns, type(GREEDY)(temperature=1.5, seed=seed, max_tokens=24)).text

    assert with_seed(7) == with_seed(7) != with_seed(8)


def test_repeat_penalty_breaks_a_loop(shared_engine: Driver) -> None:
    """The model repeats itself endlessly at temperature 0; the penalty must reach the sampler to stop that."""
    turns = [Turn("user", "What is the capital of France?")]
    plain = shared_engine.ask(turns, type(GREEDY)(temperature=0, max_tokens=80)).text
    punished = shared_engine.ask(turns, type(GREEDY)(temperature=0, max_tokens=80, repeat_penalty=1.3)).text
    assert _longest_repeat(punished) < _longest_repeat(plain)


def _longest_repeat(text: str) -> int:
    words = text.split()
    return max((words.count(word) for word in set(words)), default=0)


@pytest.mark.parametrize(
    "text", ["\x00\x00 zero", "lone \ud800 surrogate", "שלום, מה שלומך?", "👩‍👩‍👧‍👦 family", ""]
)
def test_odd_text_is_answered(shared_engine: Driver, text: str) -> None:
    reply = shared_engine.ask([Turn("user", text)])
    assert reply.done.reason in ("stop", "length")
    assert reply.done.usage.completion_tokens > 0
