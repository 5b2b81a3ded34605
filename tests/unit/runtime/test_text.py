"""Bytes become text as they come: whole code points, and nothing of a stop string."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.runtime.text import TextStream

STOPS = st.lists(st.text(min_size=1, max_size=6), max_size=3).map(tuple)


def stream(chunks: list[bytes], stop: tuple[str, ...] = ()) -> list[str]:
    """What is shown after each chunk, and at the end."""
    reader = TextStream(stop)
    return [*(reader.feed(c) for c in chunks), reader.finish()]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


def before_first(text: str, stop: tuple[str, ...]) -> str:
    return text[: min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)))
def test_any_bytes_in_any_chunks_give_the_same_text(data: bytes, places: list[int]) -> None:
    assert "".join(stream(cut(data, places))) == data.decode("utf-8", "replace")


@given(st.text(), st.lists(st.integers(0, 400)))
def test_a_code_point_is_never_shown_in_halves(text: str, places: list[int]) -> None:
    shown = stream(cut(text.encode("utf-8", "replace"), places))
    assert sum(part.count("\ufffd") for part in shown) == text.count("\ufffd")
    assert "".join(shown) == text.encode("utf-8", "replace").decode()


@given(st.text(alphabet="ab<|>é👍\n", max_size=40), st.lists(st.integers(0, 100)), STOPS)
def test_several_stop_strings(text: str, places: list[int], stop: tuple[str, ...]) -> None:
    """Also such that begin alike, contain each other or overlap: nothing of one that was met is ever shown."""
    for stops in (stop, ("<|", "<||>"), ("ab", "b"), ("é👍",), ("aab", "ab<")):
        assert "".join(stream([text.encode()], stops)) == before_first(text, stops)
        shown = "".join(stream(cut(text.encode(), places), stops))
        assert text.startswith(shown)
        assert len(shown) >= len(before_first(text, stops))
        assert not any(s in shown for s in stops)


@given(st.text(alphabet="ab<|>é👍\n", max_size=40), st.lists(st.integers(0, 100)))
def test_one_stop_string_byte_by_byte_is_as_at_once(text: str, places: list[int]) -> None:
    expected = before_first(text, ("<|a",))
    assert "".join(stream(cut(text.encode(), places), ("<|a",))) == expected
    assert "".join(stream([bytes([b]) for b in text.encode()], ("<|a",))) == expected


def test_the_beginning_of_a_stop_string_waits_for_the_rest() -> None:
    assert stream([b"One <|im", b"_end|> two"], ("<|im_end|>",)) == ["One ", "", ""]
    assert stream([b"One <|im", b"portant"], ("<|im_end|>",)) == ["One ", "<|important", ""]
    assert stream([b"One <|im"], ("<|im_end|>",)) == ["One ", "<|im"]


def test_nothing_comes_after_a_stop_string() -> None:
    reader = TextStream(("\nUSER:",))
    assert reader.feed(b"Hello.\nUSER: more") == "Hello."
    assert reader.stopped
    assert reader.feed(b"even more") == ""
    assert reader.finish() == ""


@pytest.mark.parametrize("text", ["é", "語", "👍", "👩‍👩‍👧‍👦", "🇩🇪", "שלום", "a\0b"])
def test_split_in_the_middle_of_a_character(text: str) -> None:
    data = text.encode()
    for n in range(len(data) + 1):
        first, second, rest = stream([data[:n], data[n:]])
        assert first + second + rest == text
        assert "\ufffd" not in first


def test_half_a_character_at_the_end_is_shown_as_such() -> None:
    assert stream(["👍".encode()[:2]]) == ["", "\ufffd"]
