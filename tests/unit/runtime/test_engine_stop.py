"""Stop is immediate, in prefill and in decoding, and leaves the engine usable."""

from __future__ import annotations

import time

from q8chat.runtime.messages import Delta, Done, Prefill, Stop, Turn
from q8chat.runtime.sampling import Sampling
from tests.unit.runtime.engine_driver import Driver

LONG = [Turn("user", "Write a very long story about a whale and a lighthouse.")]
# The promise is 100 ms; the machine that runs the tests may be busy with other things, so the test only makes sure
# that nothing waits for the prompt (several seconds) or the answer to be finished. tests/benchmarks has the figure.
SOON = 1.0


def stop_now(engine: Driver, answer: int) -> tuple[float, Done]:
    start = time.perf_counter()
    engine.client.send(Stop(answer))
    done = engine.wait(Done)
    return time.perf_counter() - start, done


def test_stop_while_decoding(shared_engine: Driver) -> None:
    answer = shared_engine.request(LONG, Sampling(temperature=0, repeat_penalty=1.2))
    for _ in range(5):
        shared_engine.wait(Delta)
    seconds, done = stop_now(shared_engine, answer)
    assert done.reason == "cancelled"
    assert seconds < SOON


def test_stop_while_reading_a_long_prompt_keeps_what_was_read(shared_engine: Driver) -> None:
    turns = [Turn("user", "Summarize: " + "the whale swam past the old lighthouse once more. " * 600)]
    answer = shared_engine.request(turns)
    first = shared_engine.wait(Prefill)
    assert first.total > 5000
    while shared_engine.wait(Prefill).done < 400:
        pass
    seconds, done = stop_now(shared_engine, answer)
    assert done.reason == "cancelled"
    assert done.usage.completion_tokens == 0
    assert seconds < SOON
    again = shared_engine.request(turns)
    assert shared_engine.wait(Prefill).reused >= 400
    stop_now(shared_engine, again)


def test_a_stop_that_overtakes_its_request_counts(shared_engine: Driver) -> None:
    shared_engine.client.send(Stop(shared_engine.answers + 1))
    assert shared_engine.ask(LONG).done.reason == "cancelled"


def test_the_next_answer_is_not_affected(shared_engine: Driver) -> None:
    reply = shared_engine.ask([Turn("user", "Hello!")])
    assert reply.done.reason in ("stop", "length")
    assert reply.text
