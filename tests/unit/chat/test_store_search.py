"""Searching all messages."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest

from q8chat.chat.search import MAX_WORDS
from q8chat.chat.store import Store
from q8chat.chat.types import Conversation, SearchHit, Status


@pytest.fixture
def talk(store: Store) -> Conversation:
    return store.create_conversation("talk")


def say(store: Store, talk: Conversation, *texts: str) -> None:
    for text in texts:
        store.add_message(talk.id, None, "user", text)


def matches(hit: SearchHit) -> list[str]:
    return [hit.snippet[start:end] for start, end in hit.spans]


def found(store: Store, query: str) -> set[str]:
    return {hit.snippet for hit in store.search(query)}


def test_a_hit_says_where_it_is(store: Store, talk: Conversation) -> None:
    question = store.add_message(talk.id, None, "user", "nothing here")
    answer = store.add_message(talk.id, question.id, "assistant", "Rome is\n\n  the *capital* of Italy.")
    (hit,) = store.search("capital")
    assert (hit.conversation_id, hit.message_id, hit.title, hit.role) == (talk.id, answer.id, "talk", "assistant")
    assert hit.snippet == "Rome is the *capital* of Italy."
    assert matches(hit) == ["capital"]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("ROME", "rome was", ["rome"]),
        ("zurich", "in Zürich, ZURICH", ["Zürich", "ZURICH"]),
        ("Zürich", "in Zurich", ["Zurich"]),
        ("café", unicodedata.normalize("NFD", "the café"), [unicodedata.normalize("NFD", "café")]),
        ("rome ita", "Rome is in Italy, not italic Rom", ["Rome", "Italy", "italic"]),
        ("foo-bar", "a foo bar, a foo_bar", ["foo bar", "foo_bar"]),
        ("don't", "I don't know", ["don't"]),
        ("x1", "x1 and x12", ["x1", "x12"]),
        ("c++", "C++ not Cobol", ["C"]),
        ("hello 🎉", "🎉 hello 🎉", ["🎉", "hello", "🎉"]),
        ("->", "int -> int", ["->"]),
        ("🏳️‍🌈", "a 🏳️‍🌈 b", ["🏳️‍🌈"]),
    ],
)
def test_what_is_marked(store: Store, talk: Conversation, query: str, text: str, marked: list[str]) -> None:
    say(store, talk, text)
    (hit,) = store.search(query)
    assert matches(hit) == marked


def test_every_word_is_required_and_only_the_last_may_be_unfinished(store: Store, talk: Conversation) -> None:
    say(store, talk, "red green", "red blue", "reddish green")
    assert found(store, "red gre") == {"red green"}
    assert found(store, "red") == {"red green", "red blue", "reddish green"}
    assert found(store, "green red") == {"red green", "reddish green"}
    assert found(store, "re green") == set()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("学习", "我喜欢学习Python编程"),
        ("习", "我喜欢学习"),
        ("python", "我喜欢学习Python编程"),
        ("Python编程", "我喜欢学习Python编程"),
        ("日本", "これは日本語の文です"),
        ("ほん", "にほんご"),
        ("학교", "우리학교는 큽니다"),
        ("กรุงเทพ", "ฉันอยู่ที่กรุงเทพมหานคร"),
        ("𠀋", "古い𠀋字"),
        ("مرحبا", "مرحبا بالعالم"),
        ("שלום", "שלום עולם"),
        ("привет", "Привет, мир"),
    ],
)
def test_scripts_of_the_world(store: Store, talk: Conversation, query: str, text: str) -> None:
    say(store, talk, text, "something else altogether")
    (hit,) = store.search(query)
    assert hit.snippet == text
    assert [m.lower() for m in matches(hit)] == [query.lower()]


def test_characters_of_such_scripts_must_stand_together(store: Store, talk: Conversation) -> None:
    say(store, talk, "学而时习之")
    assert store.search("学习") == ()


OPERATORS = [
    '"',
    "'",
    "*",
    "AND",
    "OR",
    "NOT",
    "NEAR(",
    "NEAR(a b, 2)",
    "content:x",
    "^",
    "a*b",
    '"a',
    "(",
    "-",
    ";",
    "%",
    "_",
]


@pytest.mark.parametrize("operator", OPERATORS)
def test_search_syntax_is_text_like_any_other(store: Store, talk: Conversation, operator: str) -> None:
    say(store, talk, f"before {operator} after", "neither of them")
    assert found(store, operator) == {f"before {operator} after"}
    assert found(store, f"before {operator} aft") == {f"before {operator} after"}
    assert store.search(f"absent {operator}") == ()


@pytest.mark.parametrize("query", ["", "  \n", "\0", "\ud800x\udfff", "absent", "\u200b", "\U000e0041"])
def test_nothing_to_find(store: Store, talk: Conversation, query: str) -> None:
    say(store, talk, "some text")
    assert store.search(query) == ()


def test_text_around_nul_and_surrogates_is_found(store: Store, talk: Conversation) -> None:
    say(store, talk, "before\0after \ud800 end\ud800ing")
    for word in ("before", "after", "end"):
        (hit,) = store.search(word)
        assert matches(hit)[0] == word


def test_a_pasted_page_as_query(store: Store, talk: Conversation) -> None:
    words = " ".join(f"word{n}" for n in range(MAX_WORDS * 3))
    say(store, talk, words)
    assert len(store.search(words)) == 1
    assert len(store.search("word1 " * 1_000_000)) == 1


def test_the_excerpt_of_a_long_message_shows_the_match(store: Store, talk: Conversation) -> None:
    say(store, talk, "the lorem ipsum " * 300 + "the needle, at last" + " dolor sit amet" * 300)
    (hit,) = store.search("the needle")
    assert "needle" in matches(hit)
    assert hit.snippet.startswith(("…the ", "…lorem ", "…ipsum "))
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) <= 242


def test_many_matches_in_a_huge_message_take_no_longer(store: Store, talk: Conversation) -> None:
    say(store, talk, "needle and " * 200_000)
    start = time.monotonic()
    (hit,) = store.search("needle")
    assert matches(hit)[0] == "needle"
    assert time.monotonic() - start < 20  # SQLite's own snippet() took minutes


def test_the_best_match_comes_first_and_the_number_is_limited(store: Store, talk: Conversation) -> None:
    say(store, talk, "needle", *["hay and more hay with a needle in it " * 3] * 20)
    assert store.search("needle", limit=3)[0].snippet == "needle"
    assert len(store.search("needle", limit=3)) == 3


def test_the_index_follows_edits(store: Store, talk: Conversation) -> None:
    answer = store.add_message(talk.id, None, "assistant", "first 学习", Status.STREAMING)
    store.update_message(answer.id, content="second \ud800 编程", status=Status.STREAMING)
    assert store.search("first") == store.search("学习") == ()
    assert len(store.search("second")) == len(store.search("编程")) == 1
    store.update_message(answer.id, content="third", status=Status.COMPLETE)
    assert store.search("second") == store.search("编程") == ()
    assert len(store.search("third")) == 1


def test_a_second_instance_sees_what_the_first_saves(store: Store, talk: Conversation, history: Path) -> None:
    with Store(history) as reader:
        say(store, talk, "a needle")
        assert len(reader.search("needle")) == 1
