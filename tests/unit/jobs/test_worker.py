"""The worker: real processes, typed answers, and every way in which one can fail or go away."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from q8chat.core import paths
from q8chat.core.errors import DownloadError, JobError
from q8chat.core.progress import Progress
from q8chat.jobs import calling
from q8chat.jobs import worker as worker_module
from q8chat.jobs.kinds import KINDS
from q8chat.jobs.methods import METHODS as REAL_METHODS
from q8chat.jobs.worker import CallHandle, Worker
from tests.unit.jobs.kinds_for_tests import METHODS, Point
from tests.unit.test_house import loaded_by


class Calls:
    """Calls whose outcome is waited for."""

    def __init__(self) -> None:
        self.worker = Worker(METHODS)
        self.news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.progress: list[Progress] = []

    def start(self, method: str, **params: Any) -> CallHandle:
        return self.worker.call(
            method,
            params,
            lambda value: self.news.put(("result", value)),
            lambda error: self.news.put(("error", error)),
            self.progress.append,
        )

    def outcome(self) -> tuple[str, Any]:
        return self.news.get(timeout=20)

    def ask(self, method: str, **params: Any) -> Any:
        self.start(method, **params)
        kind, value = self.outcome()
        assert kind == "result", value
        return value

    def fail(self, method: str, **params: Any) -> Any:
        self.start(method, **params)
        kind, value = self.outcome()
        assert kind == "error", value
        return value


@pytest.fixture
def calls() -> Iterator[Calls]:
    made = Calls()
    yield made
    made.worker.close()


def test_typed_values_cross_both_ways(calls: Calls, tmp_path: Path) -> None:
    assert calls.ask("double", point=Point(21, "é"), folder=tmp_path) == Point(42, "éé")
    assert len(calls.ask("big", n=1_000_000)) == 1_000_000


def test_no_process_before_the_first_call_and_none_after_closing(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    calls = Calls()
    assert {child.pid for child in psutil.Process().children()} == before
    pid = calls.ask("pid")
    assert psutil.pid_exists(pid)
    calls.start("hang")
    calls.worker.close()
    assert not psutil.pid_exists(pid)
    assert calls.news.empty()
    assert list(paths.log_dir().iterdir()) == []
    calls.start("pid")  # after closing nothing happens any more
    with pytest.raises(queue.Empty):
        calls.news.get(timeout=0.3)


def test_a_hung_call_stops_no_other(calls: Calls) -> None:
    for _ in range(20):
        calls.start("hang")
    assert calls.ask("pid") > 0


def test_errors_keep_their_type_and_words(calls: Calls) -> None:
    error = calls.fail("fail")
    assert type(error) is DownloadError
    assert (error.message, error.hint) == ("The server hung up.", "Try again later.")


def test_what_the_system_says_becomes_a_sentence(calls: Calls, tmp_path: Path) -> None:
    error = calls.fail("no_file", path=tmp_path / "gone")
    assert type(error) is JobError
    assert error.message == f"{tmp_path / 'gone'}: No such file or directory."


def test_a_defect_is_an_error_and_the_worker_goes_on(calls: Calls) -> None:
    pid = calls.ask("pid")
    assert "defect" in calls.fail("defect").message
    assert "defect" in calls.fail("double", point={"x": "no number"}, folder="/").message
    assert "unexpected" in calls.fail("lie").message
    assert calls.ask("pid") == pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_death_fails_all_pending_calls_and_the_next_call_starts_anew(calls: Calls, number: int) -> None:
    first = calls.ask("pid")
    for _ in range(3):
        calls.start("hang")
    calls.start("die", number=number)
    errors = [calls.outcome() for _ in range(4)]
    assert {kind for kind, _ in errors} == {"error"}
    assert all(isinstance(e, JobError) and "The helper process stopped" in e.message for _, e in errors)
    assert "GGML_ASSERT(of_the_test)" in errors[0][1].message
    assert calls.ask("pid") != first


def test_killed_from_outside_while_idle(calls: Calls) -> None:
    first = calls.ask("pid")
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while calls.worker._child is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert calls.ask("pid") != first
    assert calls.news.empty()


def test_calls_while_it_keeps_dying_are_all_answered(calls: Calls) -> None:
    """Whatever the moment of a death, every call has exactly one outcome."""
    for _ in range(5):
        for _ in range(5):
            calls.start("pid")
        calls.start("die")
    outcomes = [calls.outcome() for _ in range(30)]
    assert sum(kind == "error" for kind, _ in outcomes) >= 1
    assert calls.ask("pid") > 0
    assert calls.news.empty()


def test_cancel_sets_the_flag_and_drops_the_result(calls: Calls, tmp_path: Path) -> None:
    handle = calls.start("watch", mark=tmp_path / "mark")
    calls.ask("pid")
    handle.cancel()
    handle.cancel()
    deadline = time.monotonic() + 10
    while not (tmp_path / "mark").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "mark").exists()
    assert isinstance(calls.ask("pid"), int)
    assert calls.news.empty()


def test_cancelled_before_it_was_sent(calls: Calls, tmp_path: Path) -> None:
    for _ in range(50):
        calls.start("watch", mark=tmp_path / "mark").cancel()
    calls.ask("pid")
    assert calls.news.empty()


def test_progress_is_coalesced_and_noise_goes_to_the_log(calls: Calls) -> None:
    started = time.monotonic()
    assert calls.ask("chatter", n=20_000) == 20_000
    assert len(calls.progress) <= 3 + 10 * (time.monotonic() - started)
    assert calls.progress[-1] == Progress(20_000, 20_000, "words")


def test_a_worker_that_cannot_be_started(calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as context:
        context.setattr(worker_module, "command", lambda _role: [str(tmp_path / "nothing")])
        assert "could not be started: No such file" in calls.fail("pid").message
    assert calls.ask("pid") > 0


def test_another_program_in_its_place(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "print('hello', flush=True); import time; time.sleep(60)"
    monkeypatch.setattr(worker_module, "command", lambda _role: [sys.executable, "-c", script])
    assert "can't be understood" in calls.fail("pid").message


def test_closing_from_a_callback() -> None:
    closed = threading.Event()
    worker = Worker(METHODS)

    def close(_: Any) -> None:
        worker.close()
        closed.set()

    worker.call("pid", {}, close, close)
    assert closed.wait(20)


def test_it_dies_with_its_parent() -> None:
    """Stdin closes when the application is killed with -9."""
    calls = Calls()
    pid = calls.ask("pid")
    child = calls.worker._child
    assert child is not None
    assert child.process.stdin is not None
    calls.start("hang")
    process = psutil.Process(pid)
    child.process.stdin.close()
    process.wait(10)  # raises when it is still there
    calls.worker.close()


@pytest.mark.parametrize("module", ["worker", "queue"])
def test_the_application_loads_nothing_heavy_for_it(module: str) -> None:
    assert loaded_by(f"import q8chat.jobs.{module}") == set()


def test_nor_when_it_decodes_an_answer() -> None:
    modules = ", ".join(sorted({target.partition(":")[0] for target in REAL_METHODS.values()}))
    assert loaded_by(f"import {modules}") == set()


@pytest.mark.parametrize("name", REAL_METHODS)
def test_every_method_exists_with_types_that_can_cross(name: str) -> None:
    hints = calling.types_of(REAL_METHODS[name])
    for given in ("progress", "cancel"):
        hints.pop(given, None)
    assert "return" in hints
    for kind in hints.values():
        msgspec.json.Decoder(kind)  # refuses a type it can't decode


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_job_exists_with_types_that_can_cross(name: str) -> None:
    kind = KINDS[name]
    run = calling.types_of(kind.run)
    for given in ("progress", "cancel"):
        run.pop(given, None)
    if kind.discard:
        discard = calling.types_of(kind.discard)
        discard.pop("return")
        assert discard.items() <= run.items()
    for value in run.values():
        msgspec.json.Decoder(value)
