"""The engine dies, or there is none: the text stays, the reason is told, and the next message brings it back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from q8chat.chat.events import ConversationOpened, EngineState, EngineStatus, Problem
from q8chat.chat.types import Status
from tests.unit.chat.service_driver import LONG, ServiceDriver


def test_killed_while_writing(shared: ServiceDriver, starter_model: Path) -> None:
    talk = shared.conversation(LONG)
    shown = shared.streaming(talk)
    shared.kill_engine()
    dead = shared.status(EngineStatus.DEAD)
    assert "killed from outside" in dead.problem
    assert "again" in dead.hint
    assert dead.loaded is None
    answer = shared.finished()
    assert answer.status is Status.INTERRUPTED
    assert answer.content.startswith(shown)
    assert "killed from outside" in answer.error
    assert shared.stored(answer.id) == answer
    assert shared.load(starter_model).status is EngineStatus.READY
    assert shared.say(shared.conversation(), "Hello again.").content


def test_killed_while_idle_and_sending_brings_it_back(shared: ServiceDriver) -> None:
    shared.kill_engine()
    shared.status(EngineStatus.DEAD)
    assert shared.engines() == []
    answer = shared.say(shared.conversation(), "Are you there?")
    assert answer.status in (Status.COMPLETE, Status.LENGTH)
    assert answer.content


def test_an_interrupted_answer_can_be_continued_and_regenerated(shared: ServiceDriver) -> None:
    talk = shared.conversation(LONG)
    shared.streaming(talk)
    shared.kill_engine()
    broken = shared.finished()
    shared.service.regenerate(broken.id)
    shared.wait(EngineState, lambda s: s.status is EngineStatus.WRITING)
    shared.service.stop()
    assert shared.finished().parent_id == broken.parent_id


def test_another_model_is_loaded_while_an_answer_is_written(shared: ServiceDriver, starter_model: Path) -> None:
    talk = shared.conversation(LONG)
    shown = shared.streaming(talk)
    shared.service.load_model(str(starter_model), 1024)
    answer = shared.finished()
    assert answer.status is Status.STOPPED
    assert answer.content.startswith(shown)
    ready = shared.status(EngineStatus.READY)
    assert ready.loaded
    assert ready.loaded.n_ctx == 1024
    assert len(shared.engines()) == 1


def test_sending_while_a_model_is_loading(shared: ServiceDriver, starter_model: Path) -> None:
    talk = shared.conversation()
    shared.service.load_model(str(starter_model))
    assert shared.say(talk, "Already there?").content


def test_stopping_an_answer_that_waits_for_its_model(shared: ServiceDriver, starter_model: Path) -> None:
    talk = shared.conversation(LONG)
    shared.service.load_model(str(starter_model))
    shared.service.send(talk, "Already there?")
    shared.service.stop()
    answer = shared.finished()
    assert (answer.status, answer.content) == (Status.STOPPED, "")
    assert answer.usage
    assert answer.usage.time_to_first_token == 0
    assert shared.say(shared.conversation(), "And now?").content


def test_unloading_and_closing_leave_no_process(driver: ServiceDriver, starter_model: Path) -> None:
    driver.load(starter_model)
    assert len(driver.engines()) == 1
    driver.service.unload_model()
    driver.status(EngineStatus.NONE)
    assert driver.engines() == []


def test_without_any_model_the_text_is_kept_and_the_answer_says_so(driver: ServiceDriver) -> None:
    answer = driver.say(None, "Is anybody there?")
    assert answer.status is Status.FAILED
    assert "No model is loaded" in answer.error
    assert driver.texts(answer.conversation_id) == ["Is anybody there?", ""]


def test_a_model_that_can_not_be_loaded_while_an_answer_waits(driver: ServiceDriver, tmp_path: Path) -> None:
    talk = driver.conversation()
    driver.service.load_model(str(tmp_path / "gone.gguf"))
    answer = driver.say(talk, "Are you there?")
    assert answer.status is Status.FAILED
    assert "There is no file" in answer.error
    assert driver.texts(talk)[0] == "Are you there?"


def test_an_engine_that_can_not_be_started(driver: ServiceDriver, home: Path, starter_model: Path) -> None:
    """Its log can't be written because a file is where the folder should be."""
    (home / "state").write_text("in the way")
    state = driver.load(starter_model)
    assert state.status is EngineStatus.DEAD
    assert "could not be started" in state.problem
    answer = driver.say(driver.conversation(), "Are you there?")
    assert answer.status is Status.INTERRUPTED
    assert "could not be started" in answer.error
    (home / "state").unlink()
    assert driver.say(answer.conversation_id, "And now?").content


def test_closing_while_an_answer_is_written_keeps_it(history: Path, starter_model: Path) -> None:
    first = ServiceDriver(history)
    first.load(starter_model)
    talk = first.conversation(LONG)
    shown = first.streaming(talk)
    started = time.monotonic()
    first.service.close()
    assert time.monotonic() - started < 2
    assert first.engines() == []
    second = ServiceDriver(history)
    try:
        second.service.open_conversation(talk)
        last = second.wait(ConversationOpened).path[-1].message
        assert last.status is Status.STOPPED
        assert last.content.startswith(shown)
    finally:
        second.service.close()


@pytest.mark.parametrize("action", ["open_conversation", "delete", "restore", "regenerate", "switch_to"])
def test_what_is_not_there(driver: ServiceDriver, action: str) -> None:
    getattr(driver.service, action)(4711)
    assert driver.wait(Problem).code == "store_not_found"
    driver.service.new_conversation()
    driver.wait(ConversationOpened)
