"""Titles made from first messages."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.chat.titles import MAX_CHARACTERS, UNTITLED, title_from


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("  Hello \t  there\u00a0you  ", "Hello there you"),
        ("\n\n\x00\nFirst\nSecond", "First"),
        ("one\u2028two", "one"),
        ("", UNTITLED),
        (" \n\t\u200b\u202e\n", UNTITLED),
        ("\ud800\udfff", UNTITLED),
        ("\u200d", UNTITLED),
        ("abc \u202egnp.exe\u202c \u2066x\u2069\u200f", "abc gnp.exe x"),
        ("a\x07b\x1b[31mc\x7f", "ab[31mc"),
        (
            "na\u00efve \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "na\u00efve \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("x" * 48, "x" * 48),
        ("x" * 49, "x" * 47 + "…"),
        (
            "Please explain to me, in simple words, how tides come about",
            "Please explain to me, in simple words, how…",
        ),
        (
            "What is the difference between apples and pear, tomatoes",
            "What is the difference between apples and pear…",
        ),
        ("short " + "x" * 100, "short " + "x" * 41 + "…"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_from(text) == title


def test_signs_of_several_characters_are_not_cut() -> None:
    family = "👩‍👩‍👧"
    assert title_from("x" * 44 + family) == "x" * 44 + "…"
    assert title_from("x" * 46 + "👍🏽" + "x") == "x" * 46 + "…"
    assert title_from("x" * 46 + "e\u0301" + "x") == "x" * 46 + "…"
    assert title_from("x" * 44 + "🇩🇪🇫🇷" + "x") == "x" * 44 + "🇩🇪…"


def test_a_message_of_megabytes_takes_no_time() -> None:
    assert title_from("word " * 1_000_000).startswith("word word")


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_text_gives_a_short_visible_line(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= MAX_CHARACTERS
    assert title == title.strip()
    assert len(title.splitlines()) == 1
    assert not {unicodedata.category(c) for c in title} & {"Cc", "Cs"}
    title.encode()
