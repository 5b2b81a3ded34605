"""Conversations: made, listed, changed, deleted, brought back."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from q8chat.chat.store import Store
from q8chat.chat.types import Status
from q8chat.core.errors import NotFoundError
from q8chat.runtime.sampling import Sampling


def titles(store: Store) -> list[str]:
    return [c.title for c in store.conversations()]


def test_a_new_conversation_is_as_asked_for(store: Store) -> None:
    before = time.time()
    sampling = Sampling(temperature=0.1, top_k=7, top_p=0.5, min_p=0.01, repeat_penalty=1.1, seed=42, max_tokens=9)
    made = store.create_conversation("Rome", "Be brief.", sampling, "Precise", "stop")
    assert (made.title, made.system_prompt, made.preset, made.overflow) == ("Rome", "Be brief.", "Precise", "stop")
    assert made.sampling == sampling
    assert made.head_id is None
    assert before <= made.created == made.updated <= time.time()
    assert store.conversation(made.id) == made
    assert store.path(made.id) == ()


def test_everything_is_there_after_closing_and_opening(history: Path) -> None:
    with Store(history) as store:
        made = store.create_conversation("Rome")
        question = store.add_message(made.id, None, "user", "When?")
        kept = store.conversation(made.id)
    with Store(history) as store:
        assert store.conversations() == (kept,)
        assert [p.message for p in store.path(made.id)] == [question]
    assert [p.name for p in history.parent.iterdir()] == [history.name]  # the log was folded in


def test_nobody_else_may_read_the_history(store: Store, history: Path) -> None:
    store.create_conversation("private")
    files = list(history.parent.iterdir())
    assert len(files) == 3  # the log and the shared memory beside it
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_the_last_used_conversation_comes_first(store: Store) -> None:
    first, *_ = [store.create_conversation(t) for t in ("first", "second", "third")]
    assert titles(store) == ["third", "second", "first"]
    store.add_message(first.id, None, "user", "hello again")
    assert titles(store) == ["first", "third", "second"]
    assert store.conversation(first.id).updated > first.updated


def test_renaming_and_configuring_leave_the_place_in_the_list(store: Store) -> None:
    first = store.create_conversation("first")
    store.create_conversation("second")
    renamed = store.rename(first.id, "renamed")
    assert renamed.title == "renamed"
    configured = store.configure(
        first.id, system_prompt="Rhyme.", sampling=Sampling(temperature=0), preset="Greedy", overflow="stop"
    )
    assert configured == store.conversation(first.id)
    assert (configured.title, configured.system_prompt, configured.overflow) == ("renamed", "Rhyme.", "stop")
    assert configured.sampling == Sampling(temperature=0)
    assert titles(store) == ["second", "renamed"]


def test_a_deleted_conversation_is_hidden_everywhere(store: Store) -> None:
    kept, gone = store.create_conversation("kept"), store.create_conversation("gone")
    message = store.add_message(gone.id, None, "user", "a needle in the hay")
    store.delete(gone.id)
    assert titles(store) == ["kept"]
    assert store.search("needle") == ()
    assert store.search("🪡") == ()
    for call in (
        lambda: store.conversation(gone.id),
        lambda: store.path(gone.id),
        lambda: store.message(message.id),
        lambda: store.rename(gone.id, "x"),
        lambda: store.delete(gone.id),
        lambda: store.switch_to(message.id),
        lambda: store.set_head(gone.id, None),
        lambda: store.add_message(gone.id, message.id, "assistant", "x"),
        lambda: store.add_message(kept.id, message.id, "assistant", "x"),
    ):
        with pytest.raises(NotFoundError, match="no longer exists"):
            call()


def test_restore_undoes_delete(store: Store) -> None:
    store.create_conversation("other")
    made = store.create_conversation("gone")
    store.add_message(made.id, None, "user", "a needle in the hay")
    before, path = store.conversation(made.id), store.path(made.id)
    store.delete(made.id)
    assert store.restore(made.id) == before
    assert store.path(made.id) == path
    assert titles(store) == ["gone", "other"]
    assert len(store.search("needle")) == 1


def test_an_answer_goes_on_while_its_conversation_is_deleted(store: Store) -> None:
    made = store.create_conversation("gone")
    answer = store.add_message(made.id, None, "assistant", "", Status.STREAMING)
    store.delete(made.id)
    store.update_message(answer.id, content="all of it", status=Status.COMPLETE)
    store.restore(made.id)
    assert store.message(answer.id).content == "all of it"


def test_purging_removes_only_what_was_deleted_long_enough_ago(store: Store) -> None:
    kept, gone = store.create_conversation("kept"), store.create_conversation("gone")
    message = store.add_message(gone.id, None, "user", "a needle")
    store.add_message(kept.id, None, "user", "another needle")
    store.delete(gone.id)
    assert store.purge_deleted(3600) == 0
    assert store.restore(gone.id).title == "gone"
    store.delete(gone.id)
    assert store.purge_deleted(0) == 1
    with pytest.raises(NotFoundError):
        store.restore(gone.id)
    with pytest.raises(NotFoundError):
        store.update_message(message.id, content="x", status=Status.COMPLETE)
    assert [h.conversation_id for h in store.search("needle")] == [kept.id]


def test_purging_a_conversation_deeper_than_sqlite_cascades(store: Store) -> None:
    made = store.create_conversation("deep")
    parent = None
    for n in range(1200):
        parent = store.add_message(made.id, parent, "user", f"level {n}").id
    assert len(store.path(made.id)) == 1200
    store.delete(made.id)
    assert store.purge_deleted(0) == 1
    assert store.search("level") == ()


def test_ids_are_never_used_again(store: Store) -> None:
    gone = store.create_conversation("gone")
    store.delete(gone.id)
    store.purge_deleted(0)
    assert store.create_conversation("new").id > gone.id
