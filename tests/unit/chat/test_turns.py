"""From a branch to what the model sees: user and assistant take turns, whatever happened in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from q8chat.chat.turns import turns_of
from q8chat.chat.types import Message, Status
from q8chat.runtime.messages import Turn

CODES = {"u": "user", "a": "assistant"}


def branch(*parts: str) -> list[Message]:
    """ "u:Hello", "a:" and so on."""
    return [
        Message(n, 1, n - 1 or None, CODES[part[0]], part[2:], Status.COMPLETE, 0.0)
        for n, part in enumerate(parts, 1)
    ]


def seen(*parts: str, system: str = "") -> str:
    return " ".join(f"{t.role[0]}:{t.content}" for t in turns_of(system, branch(*parts)))


def test_an_ordinary_conversation() -> None:
    assert seen("u:1", "a:2", "u:3") == "u:1 a:2 u:3"
    assert turns_of("Be brief.", branch("u:1"))[0] == Turn("system", "Be brief.")
    assert turns_of(" \n", branch("u:1")) == (Turn("user", "1"),)


def test_what_got_no_answer_is_left_out_with_its_empty_answer() -> None:
    assert seen("u:1", "a:", "u:2") == "u:2"
    assert seen("u:1", "u:2") == "u:2"
    assert seen("u:1", "a:2", "u:3", "a:", "u:4", "a:", "u:5") == "u:1 a:2 u:5"


def test_an_answer_to_nothing_is_left_out() -> None:
    assert seen("a:0", "u:1") == "u:1"
    assert seen("u:1", "a:2", "a:3", "u:4") == "u:1 a:2 u:4"
    assert seen("u:", "a:1", "u:2") == "u:2"
    assert seen("u:1", "a:", "a:2", "u:3") == "u:1 a:2 u:3"


@given(st.lists(st.sampled_from(["u:x", "u:", "a:y", "a:"]), max_size=12), st.sampled_from(["", "s"]))
def test_turns_always_alternate(parts: list[str], system: str) -> None:
    turns = turns_of(system, branch(*parts, "u:last"))
    talk = turns[1:] if system else turns
    assert [t.role for t in talk] == (["user", "assistant"] * len(talk))[: len(talk)]
    assert talk[-1] == Turn("user", "last")
    assert all(t.content for t in talk)
