"""Taking thinking and answer apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.chat.thinking import CLOSE, OPEN, Thinking, split_thinking


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("\n<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("<think>\n\n</think>\n\nYes.", "", "Yes."),
        ("<think>a</think>\n\n    code\n", "a", "    code\n"),
        ("<think>a <think> b</think> c </think>", "a <think> b", " c </think>"),
        ("Hm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("Hm.</think>\n\nYes.", "Hm.", "Yes."),
        ("```py\nx\n```\nHm.\n</think>\nYes.", "```py\nx\n```\nHm.", "Yes."),
        ("Yes.", "", "Yes."),
        ("  Yes.\n", "", "  Yes.\n"),
        ("", "", ""),
    ],
)
def test_complete_messages(text: str, thinking: str, answer: str) -> None:
    assert split_thinking(text) == Thinking(thinking, answer, open=False)


@pytest.mark.parametrize(
    "text",
    [
        "The tag <think>x</think> is used by some models.",
        "Some models write </think> when they are done.",
        "```\n<think>\nx\n</think>\n```",
        "For example:\n<think>\nx\n</think>\nLike that.",
        "```\nx\n</think>\n```",
        "It ends with `</think>`\nas you see.",
        "~~~\n</think>\n",
        "<thinking>x</thinking>",
        "< think>x",
        "<thi",
    ],
)
def test_what_only_talks_about_thinking_is_answer(text: str) -> None:
    assert split_thinking(text) == Thinking("", text, open=False)


def test_a_message_that_never_stopped_thinking() -> None:
    assert split_thinking("<think>Hm, </th") == Thinking("Hm, </th", "", open=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Thinking("", "", open=False)),
        ("\n <thi", Thinking("", "", open=False)),
        ("<think>", Thinking("", "", open=True)),
        ("<think>Hm", Thinking("Hm", "", open=True)),
        ("<think>Hm</thi", Thinking("Hm", "", open=True)),
        ("<think>Hm</thi n", Thinking("Hm</thi n", "", open=True)),
        ("<think>Hm<", Thinking("Hm", "", open=True)),
        ("<think>Hm</think>\n", Thinking("Hm", "", open=False)),
        ("<think>Hm</think>\n\nYes", Thinking("Hm", "Yes", open=False)),
        ("<this", Thinking("", "<this", open=False)),
        ("Yes", Thinking("", "Yes", open=False)),
        ("Hm.\n</thin", Thinking("", "Hm.\n", open=False)),
        ("Hm.\n</think>", Thinking("Hm.", "", open=False)),
    ],
)
def test_messages_being_written(text: str, expected: Thinking) -> None:
    assert split_thinking(text, complete=False) == expected


def test_a_prompt_that_opened_the_block() -> None:
    assert split_thinking("", complete=False, opened=True) == Thinking("", "", open=True)
    assert split_thinking("Hm </thi", complete=False, opened=True) == Thinking("Hm", "", open=True)
    assert split_thinking("Hm </think> Yes", opened=True) == Thinking("Hm", " Yes", open=False)
    assert split_thinking("<think>Hm</think>Yes", opened=True) == Thinking("Hm", "Yes", open=False)


PIECES = [
    OPEN,
    CLOSE,
    "<thi",
    "nk>",
    "</",
    "think",
    "<",
    ">",
    "\n",
    "\n\n",
    " ",
    "    ",
    "```\n",
    "`",
    "Hm.",
    "é👩‍👧",
    "\r\n",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@given(TEXTS, st.booleans(), st.booleans())
def test_while_streaming_both_parts_only_grow_into_the_final_ones(text: str, begun: bool, opened: bool) -> None:
    """True for every chunking, because it is for every beginning of the text."""
    text = OPEN + text if begun else text
    final = split_thinking(text, opened=opened)
    shown = Thinking("", "", opened)
    for end in range(len(text) + 1):
        part = split_thinking(text[:end], complete=False, opened=opened)
        if CLOSE in text[:end] and not begun and not opened:
            return  # only the closing tag may have told
        assert part.thinking.startswith(shown.thinking)
        assert part.answer.startswith(shown.answer)
        assert not (shown.answer and part.open)
        shown = part
    assert final.thinking.startswith(shown.thinking)
    assert final.answer.startswith(shown.answer)
    assert final.open == shown.open or not text.strip()


@given(TEXTS, st.booleans())
def test_nothing_but_the_tags_and_blanks_gets_lost(text: str, opened: bool) -> None:
    def packed(s: str) -> str:
        return "".join(s.split())

    final = split_thinking(text, opened=opened)
    parts = packed(final.thinking) + packed(final.answer)
    whole = packed(text)
    unopened = {whole, whole.replace(OPEN, "", 1)}
    at_tags = [(s, at.start()) for s in unopened for at in re.finditer(CLOSE, s)]
    assert parts in unopened | {s[:at] + s[at + len(CLOSE) :] for s, at in at_tags}
