"""Messages: a tree in which edits and regenerated answers are siblings."""

from __future__ import annotations

import pytest

from q8chat.chat.store import Store
from q8chat.chat.types import Conversation, Message, Status
from q8chat.core.errors import NotFoundError, StoreError
from q8chat.runtime.messages import Usage


@pytest.fixture
def talk(store: Store) -> Conversation:
    return store.create_conversation("talk")


def shown(store: Store, conversation: Conversation) -> list[str]:
    return [p.message.content for p in store.path(conversation.id)]


def add(store: Store, talk: Conversation, parent: Message | None, content: str) -> Message:
    role = "user" if parent is None or parent.role == "assistant" else "assistant"
    return store.add_message(talk.id, parent.id if parent else None, role, content)


def test_messages_follow_one_another(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    answer = store.add_message(talk.id, question.id, "assistant", "A1", Status.LENGTH, model="smol.gguf")
    assert store.message(answer.id) == answer
    assert (answer.role, answer.status, answer.model) == ("assistant", Status.LENGTH, "smol.gguf")
    assert (answer.conversation_id, answer.parent_id) == (talk.id, question.id)
    add(store, talk, answer, "Q2")
    assert shown(store, talk) == ["Q1", "A1", "Q2"]
    assert all((p.index, p.count, p.previous_id, p.next_id) == (1, 1, None, None) for p in store.path(talk.id))


def test_regenerating_makes_a_sibling_and_shows_it(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    first, second, third = (add(store, talk, question, f"A{n}") for n in (1, 2, 3))
    assert shown(store, talk) == ["Q1", "A3"]
    assert store.switch_to(second.id).head_id == second.id
    place = store.path(talk.id)[1]
    assert (place.message, place.index, place.count) == (second, 2, 3)
    assert (place.previous_id, place.next_id) == (first.id, third.id)


def test_editing_the_first_message_makes_a_second_root(store: Store, talk: Conversation) -> None:
    first = add(store, talk, None, "Q1")
    add(store, talk, first, "A1")
    edited = add(store, talk, None, "Q1, better")
    (place,) = store.path(talk.id)
    assert (place.message, place.index, place.count, place.previous_id) == (edited, 2, 2, first.id)


def test_switching_goes_down_to_the_newest_leaf_beneath(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    left = add(store, talk, question, "left")
    left_first = add(store, talk, left, "left, then")
    right = add(store, talk, question, "right")
    add(store, talk, right, "right, then")
    left_second = add(store, talk, left, "left, or")
    add(store, talk, left_first, "left, then, on")  # the newest message beneath "left"
    store.switch_to(right.id)
    assert shown(store, talk) == ["Q1", "right", "right, then"]
    store.switch_to(left.id)
    assert shown(store, talk) == ["Q1", "left", "left, then", "left, then, on"]
    store.switch_to(left_second.id)
    assert shown(store, talk) == ["Q1", "left", "left, or"]


def test_switching_does_not_move_the_conversation_up(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    store.create_conversation("newer")
    store.switch_to(question.id)
    store.set_head(talk.id, question.id)
    assert [c.title for c in store.conversations()] == ["newer", "talk"]


def test_the_head_can_be_any_message_or_none(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    add(store, talk, question, "A1")
    assert store.set_head(talk.id, question.id).head_id == question.id
    assert shown(store, talk) == ["Q1"]
    assert store.set_head(talk.id, None).head_id is None
    assert shown(store, talk) == []


def test_a_parent_or_head_in_another_conversation_is_refused(store: Store, talk: Conversation) -> None:
    other = store.create_conversation("other")
    stranger = store.add_message(other.id, None, "user", "elsewhere")
    with pytest.raises(StoreError, match="belongs to another conversation"):
        store.add_message(talk.id, stranger.id, "assistant", "x")
    with pytest.raises(StoreError, match="belongs to another conversation"):
        store.set_head(talk.id, stranger.id)
    assert shown(store, talk) == []
    assert shown(store, other) == ["elsewhere"]


def test_an_unknown_message_or_conversation_is_named_so(store: Store, talk: Conversation) -> None:
    for call in (
        lambda: store.message(99),
        lambda: store.conversation(99),
        lambda: store.path(99),
        lambda: store.add_message(talk.id, 99, "user", "x"),
        lambda: store.add_message(99, None, "user", "x"),
        lambda: store.update_message(99, content="x", status=Status.COMPLETE),
        lambda: store.switch_to(99),
        lambda: store.set_head(talk.id, 99),
    ):
        with pytest.raises(NotFoundError, match="no longer exists"):
            call()


def test_a_role_that_templates_do_not_know_is_refused(store: Store, talk: Conversation) -> None:
    with pytest.raises(StoreError, match="CHECK"):
        store.add_message(talk.id, None, "wizard", "x")
    assert shown(store, talk) == []


def test_an_answer_is_saved_as_it_grows(store: Store, talk: Conversation) -> None:
    question = add(store, talk, None, "Q1")
    answer = store.add_message(talk.id, question.id, "assistant", "", Status.STREAMING)
    for text in ("Once", "Once upon", "Once upon a time"):
        saved = store.update_message(answer.id, content=text, status=Status.STREAMING)
        assert (saved.content, saved.status) == (text, Status.STREAMING)
    usage = Usage(prompt_tokens=7, completion_tokens=4, decode_rate=12.5, seed=3)
    done = store.update_message(answer.id, content="The end.", status=Status.FAILED, error="Why.", usage=usage)
    assert store.message(answer.id) == done
    assert (done.content, done.status, done.error, done.usage) == ("The end.", Status.FAILED, "Why.", usage)
    assert done.created == answer.created


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_kept(store: Store, talk: Conversation, status: Status) -> None:
    assert store.message(store.add_message(talk.id, None, "user", "x", status).id).status is status


def test_our_own_streams_are_not_interrupted(store: Store, talk: Conversation) -> None:
    answer = store.add_message(talk.id, None, "assistant", "so far", Status.STREAMING)
    assert store.mark_interrupted("gone") == 0
    assert store.message(answer.id).status is Status.STREAMING
