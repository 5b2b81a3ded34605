"""The context window is full: never garbage, never an abort."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.runtime.messages import Failed, Turn
from q8chat.runtime.sampling import Sampling
from tests.unit.runtime.engine_driver import GREEDY, Driver

N_CTX = 512


@pytest.fixture(scope="module")
def small(starter_model: Path) -> Iterator[Driver]:
    driver = Driver()
    assert driver.load(starter_model, n_ctx=N_CTX).n_ctx == N_CTX
    yield driver
    driver.client.close()


def history(exchanges: int, system: str = "You are a parrot.") -> list[Turn]:
    turns = [Turn("system", system)]
    for n in range(exchanges):
        turns += [
            Turn("user", f"Question {n}: what is the number {n} good for?"),
            Turn("assistant", f"The number {n} is good for counting to {n}, and for little else."),
        ]
    return turns


def test_oldest_turns_are_dropped_and_the_system_prompt_stays(small: Driver) -> None:
    reply = small.ask([*history(30), Turn("user", "And now?")])
    assert reply.done.usage.dropped_turns > 0
    assert reply.done.usage.dropped_turns % 2 == 0
    assert reply.done.usage.prompt_tokens <= N_CTX - GREEDY.max_tokens
    assert reply.done.reason in ("stop", "length")


def test_what_stays_after_a_drop_is_moved_not_read_again(small: Driver) -> None:
    turns = history(9)
    first = small.ask([*turns, Turn("user", "Go on.")])
    assert first.done.usage.dropped_turns == 0
    turns += [Turn("user", "Go on."), Turn("assistant", first.text)]
    while True:
        reply = small.ask([*turns, Turn("user", "Go on.")])
        turns += [Turn("user", "Go on."), Turn("assistant", reply.text)]
        if reply.done.usage.dropped_turns:
            break
    assert reply.done.usage.reused_tokens > reply.done.usage.prompt_tokens // 2


def test_policy_stop_refuses_and_names_both_numbers(small: Driver) -> None:
    small.request([*history(30), Turn("user", "And now?")], overflow="stop")
    failed = small.wait(Failed)
    assert failed.code == "context"
    assert str(N_CTX) in failed.message
    assert "tokens" in failed.message


def test_policy_stop_ends_the_answer_at_the_edge(small: Driver) -> None:
    turns = [Turn("user", "Write a very long story about a whale and a lighthouse, with many chapters.")]
    reply = small.ask(turns, Sampling(temperature=0, repeat_penalty=1.2), overflow="stop")
    if reply.done.reason == "stop":
        pytest.fail("the model ended by itself; this test needs a longer answer")
    assert reply.done.reason == "context"
    assert reply.done.usage.context_used == N_CTX


def test_dropping_goes_on_in_the_middle_of_an_answer(small: Driver) -> None:
    turns = [
        *history(8),
        Turn("user", "Write a very long story about a whale and a lighthouse, with many chapters."),
    ]
    reply = small.ask(turns, Sampling(temperature=0, repeat_penalty=1.2, max_tokens=400))
    usage = reply.done.usage
    if usage.completion_tokens < 300:
        pytest.fail("the model ended by itself; this test needs a longer answer")
    assert usage.dropped_turns > 0
    assert usage.context_used <= N_CTX
    assert reply.text.isprintable() or "\n" in reply.text
    assert "\ufffd" not in reply.text


@pytest.mark.parametrize("overflow", ["drop_oldest", "stop"])
def test_a_message_longer_than_the_window_is_refused_with_both_numbers(small: Driver, overflow: str) -> None:
    small.request([Turn("user", "word " * 2000)], overflow=overflow)  # type: ignore[arg-type]
    failed = small.wait(Failed)
    assert failed.code == "context"
    assert "2,0" in failed.message
    assert str(N_CTX) in failed.message


def test_five_megabytes_are_refused_at_once(small: Driver) -> None:
    small.request([Turn("user", "All work and no play. " * (5_000_000 // 22))])
    failed = small.wait(Failed)
    assert failed.code == "context"
    assert "about 1," in failed.message
    assert small.ask([Turn("user", "Still there?")]).done.usage.completion_tokens > 0
