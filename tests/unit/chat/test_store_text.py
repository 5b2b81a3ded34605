"""Text comes back as it was given, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.chat.store import Store
from q8chat.chat.text import pack, unpack
from q8chat.chat.types import Status
from q8chat.runtime.sampling import Sampling

STRANGE = {
    "NUL": "before\0after\0",
    "lone surrogate": "a\ud800b\udfff",
    "surrogates that would make a pair": "\ud83d\ude00",
    "emoji sequences": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪🇫🇷",
    "right to left": "שלום \u202eabc\u202c مرحبا \u200f",
    "line ends": "a\r\nb\rc\nd\u2028e\x0bf\x1c",
    "combining": "e\u0301 é \u1e9b\u0323 Å",
    "beyond Unicode's beginnings": "\U0010ffff\uffff\ufffe\ufeffx",
    "looks like bytes": "b'\\x00'",
    "looks like a number": "007",
    "empty": "",
    "blank": " \t\n ",
}
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_text_survives_in_every_place(history: Path, text: str) -> None:
    with Store(history) as store:
        made = store.create_conversation(text, text, preset=text)
        message = store.add_message(made.id, None, "user", text, model=text)
        store.update_message(message.id, content=text, status=Status.FAILED, error=text)
    with Store(history) as store:
        (made,) = store.conversations()
        assert (made.title, made.system_prompt, made.preset) == (text, text, text)
        (place,) = store.path(made.id)
        assert (place.message.content, place.message.model, place.message.error) == (text, text, text)
        again = store.configure(made.id, system_prompt=text + "x", sampling=Sampling(), preset="", overflow="stop")
        assert again.system_prompt == text + "x"


def test_five_megabytes_survive(store: Store) -> None:
    text = "Große Wörter, 大きな言葉 🎈\n" * 220_000
    assert len(text.encode()) > 5_000_000
    made = store.create_conversation("big")
    message = store.add_message(made.id, None, "user", text)
    assert store.message(message.id).content == text
    (hit,) = store.search("große")
    assert hit.message_id == message.id
    assert len(hit.snippet) < 300


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ANY_TEXT, second=ANY_TEXT, query=ANY_TEXT)
def test_any_text_survives_and_can_be_searched(store: Store, first: str, second: str, query: str) -> None:
    made = store.create_conversation(first, second)
    message = store.add_message(made.id, None, "user", first)
    assert store.message(message.id).content == first
    store.update_message(message.id, content=second, status=Status.COMPLETE)
    assert store.message(message.id).content == second
    assert (store.conversation(made.id).title, store.conversation(made.id).system_prompt) == (first, second)
    for text in (query, second):
        for hit in store.search(text, limit=5):
            assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.spans)
    store.delete(made.id)
    store.purge_deleted(0)


@given(ANY_TEXT)
def test_packing_keeps_every_code_point(text: str) -> None:
    assert unpack(pack(text)) == text
