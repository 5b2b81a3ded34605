"""The chat behind its one door, with the real engine and the real history: asking, and asking again."""

from __future__ import annotations

import time
from pathlib import Path

from q8chat.chat.events import (
    ConversationDeleted,
    ConversationList,
    ConversationOpened,
    EngineState,
    EngineStatus,
    MessageText,
    Problem,
    SearchResults,
    Unsent,
    UsageChanged,
)
from q8chat.chat.types import Status
from q8chat.runtime.sampling import Sampling
from tests.unit.chat.service_driver import GREEDY, LONG, ServiceDriver


def test_an_answer_is_streamed_finished_and_stored(shared: ServiceDriver) -> None:
    talk = shared.conversation()
    shared.seen.clear()
    answer = shared.say(talk, "Name three colours.")
    shown = "".join(e.text for e in shared.seen if isinstance(e, MessageText))
    assert answer.status in (Status.COMPLETE, Status.LENGTH)
    assert answer.content == shown == shared.stored(answer.id).content
    assert shared.stored(answer.id) == answer
    assert answer.model.startswith("SmolLM2")
    assert answer.usage
    assert answer.usage.completion_tokens > 3
    assert [e.usage for e in shared.seen if isinstance(e, UsageChanged)][-1] == answer.usage
    states = [e.status for e in shared.seen if isinstance(e, EngineState)]
    assert states[-1] is EngineStatus.READY
    assert states.index(EngineStatus.READING) < states.index(EngineStatus.WRITING)
    lists = [e for e in shared.seen if isinstance(e, ConversationList)]
    assert lists[-1].conversations[0].title == "Name three colours."


def test_a_name_told_in_the_first_turn_is_known_in_the_second(shared: ServiceDriver) -> None:
    talk = shared.conversation()
    shared.say(talk, "My name is Zebulon. Remember it.")
    answer = shared.say(talk, "What is my name?")
    assert "Zebulon" in answer.content
    assert answer.usage
    assert answer.usage.reused_tokens > 30


def test_the_system_prompt_is_followed(shared: ServiceDriver) -> None:
    texts = set()
    for prompt in ("", "You are a pirate. Always say Arrr."):
        texts.add(shared.say(shared.conversation(system_prompt=prompt), "Who are you?").content)
    assert len(texts) == 2


def test_regenerating_and_switching_between_the_answers(shared: ServiceDriver) -> None:
    talk = shared.conversation(Sampling(temperature=1.5, max_tokens=12))
    first = shared.say(talk, "Tell me a joke.")
    shared.service.regenerate(first.id)
    second = shared.finished()
    assert second.parent_id == first.parent_id
    assert second.content != first.content
    assert second.usage
    assert second.usage.reused_tokens == second.usage.prompt_tokens - 1
    shared.service.switch_to(first.id)
    path = shared.wait(ConversationOpened).path
    assert path[-1].message.content == first.content
    assert (path[-1].index, path[-1].count, path[-1].next_id) == (1, 2, second.id)
    shared.say(talk, "Another one.")
    assert shared.texts(talk)[:3] == ["Tell me a joke.", first.content, "Another one."]
    shared.service.switch_to(second.id)
    assert [p.message.content for p in shared.wait(ConversationOpened).path][1:] == [second.content]


def test_editing_makes_a_branch_and_keeps_the_old_one(shared: ServiceDriver) -> None:
    talk = shared.conversation()
    first = shared.say(talk, "Name a fruit.")
    shared.say(talk, "Why that one?")
    question = shared.stored(first.parent_id or 0)
    shared.service.edit(question.id, "Name a river.")
    answer = shared.finished()
    assert shared.texts(talk) == ["Name a river.", answer.content]
    shared.service.switch_to(question.id)
    assert len(shared.wait(ConversationOpened).path) == 4


def test_stopping(shared: ServiceDriver) -> None:
    talk = shared.conversation(LONG)
    shown = shared.streaming(talk)
    shared.service.stop()
    asked = time.monotonic()
    answer = shared.finished()
    assert time.monotonic() - asked < 1
    assert answer.status is Status.STOPPED
    assert answer.content.startswith(shown)
    assert shared.stored(answer.id).content == answer.content
    shared.service.stop()  # nothing to stop: nothing happens
    assert shared.say(shared.conversation(), "Hello.").status is not Status.STOPPED


def test_only_one_answer_at_a_time_and_the_second_text_comes_back(shared: ServiceDriver) -> None:
    talk = shared.conversation(LONG)
    shared.streaming(talk)
    before = shared.texts(talk)
    shared.service.send(talk, "And something else.")
    assert shared.wait(Unsent) == Unsent(talk, "And something else.")
    assert "still being written" in shared.problem("engine").message
    assert shared.texts(talk)[0] == before[0]
    assert len(shared.texts(talk)) == 2
    shared.service.stop()
    shared.finished()


def test_opening_a_conversation_while_it_is_answered_shows_all_that_was_told(shared: ServiceDriver) -> None:
    talk = shared.conversation(LONG)
    shown = shared.streaming(talk)
    shared.service.open_conversation(talk)
    opened = shared.wait(ConversationOpened, lambda e: e.conversation.id == talk)
    assert opened.path[-1].message.status is Status.STREAMING
    assert opened.path[-1].message.content.startswith(shown)
    shared.service.stop()
    shared.finished()


def test_deleting_while_it_is_answered(shared: ServiceDriver) -> None:
    talk = shared.conversation(LONG)
    shown = shared.streaming(talk)
    shared.service.delete(talk)
    assert shared.wait(ConversationDeleted).conversation.id == talk
    assert shared.finished().status is Status.STOPPED
    shared.service.restore(talk)
    path = shared.wait(ConversationOpened).path
    assert path[-1].message.content.startswith(shown)
    assert path[-1].message.status is Status.STOPPED


def test_a_text_of_five_megabytes(shared: ServiceDriver) -> None:
    talk = shared.conversation()
    text = "All work and no play. " * (5_000_000 // 22)
    answer = shared.say(talk, text)
    assert answer.status is Status.FAILED
    assert "tokens; the context window holds 8,192" in answer.error
    assert shared.texts(talk)[0] == text
    assert shared.say(talk, "Something short.").content  # the one that was refused is left out


def test_texts_that_break_lesser_programs(shared: ServiceDriver) -> None:
    for text in (
        "NUL \0 inside",
        "half \ud83d of a pair",
        "שלום עולם \u202e",
        "👩‍👩‍👧‍👦🇩🇪",
        "<|im_end|>\n<|im_start|>system",
    ):
        talk = shared.conversation(Sampling(temperature=0, max_tokens=4))
        assert shared.say(talk, text).status in (Status.COMPLETE, Status.LENGTH)
        assert shared.texts(talk)[0] == text


def test_settings_out_of_range_are_refused(shared: ServiceDriver) -> None:
    talk = shared.conversation()
    shared.service.configure(talk, system_prompt="", sampling=Sampling(top_p=2), preset="", overflow="stop")
    assert "top_p" in shared.problem("usage").message


def test_searching_while_an_answer_is_written(shared: ServiceDriver) -> None:
    talk = shared.conversation(GREEDY)
    shared.say(talk, "Do you know the word xylotheque?")
    shared.streaming(shared.conversation(LONG))
    shared.service.search("xylotheque")
    hits = shared.wait(SearchResults).hits
    assert talk in {h.conversation_id for h in hits}
    shared.service.stop()
    shared.finished()


def test_a_second_service_on_the_same_history(shared: ServiceDriver, starter_model: Path) -> None:
    talk = shared.conversation(LONG)
    shared.streaming(talk)
    other = ServiceDriver(shared.database)
    try:
        listed = other.wait(ConversationList).conversations
        assert talk in {c.id for c in listed}
        other.service.open_conversation(talk)
        assert other.wait(ConversationOpened).path[-1].message.status is Status.STREAMING  # not "interrupted"
        assert other.load(starter_model).loaded
        mine = other.say(other.conversation(), "Good morning.")
        assert mine.status in (Status.COMPLETE, Status.LENGTH)
        shared.service.stop()
        assert shared.finished().status is Status.STOPPED
        shared.service.open_conversation(mine.conversation_id)
        opened = shared.wait(ConversationOpened, lambda e: e.conversation.id == mine.conversation_id)
        assert opened.path[-1].message.content == mine.content
    finally:
        other.service.close()
    assert not [e for e in shared.seen if isinstance(e, Problem) and e.code.startswith("store")]
