"""Downloads as jobs and questions about remote models, with the real client against a hub of our own."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from q8chat.core import paths
from q8chat.core.errors import OfflineError, Q8Error, RepoNotFoundError
from q8chat.jobs import kinds, wire
from q8chat.jobs.types import JobState
from q8chat.jobs.worker import Worker
from tests.fakes.hub_server import HubServer
from tests.unit.hub.download_driver import REPO, noise, selection
from tests.unit.jobs import queue_driver
from tests.unit.jobs.queue_driver import App, Queue, wait_for

SIZE = 24 << 20


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add_repo(REPO, {"model.Q4_0.gguf": noise(SIZE)}, tags=("gguf",))
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setattr(queue_driver, "KINDS", kinds.KINDS)
    made = Queue()
    yield made
    made.queue.close()


def model() -> Path:
    return paths.models_dir() / REPO / "model.Q4_0.gguf"


def left_over() -> list[str]:
    folder = paths.models_dir()
    return sorted(p.name for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


def test_paused_and_resumed_it_fetches_little_twice(hub: HubServer, jobs: Queue) -> None:
    hub.fault(f"{REPO}/model.Q4_0.gguf", rate=12 << 20)
    job = jobs.queue.submit("download", "A model", {"selection": selection(hub)})
    jobs.wait(job, JobState.RUNNING, steps=SIZE // 3)
    jobs.queue.act(job, "pause")
    jobs.wait(job, JobState.PAUSED)
    assert not model().exists()
    jobs.queue.act(job, "resume")
    done = jobs.wait(job, JobState.DONE)
    assert done.result == {"files": [str(model())]}
    assert model().read_bytes() == noise(SIZE)
    assert hub.sent(f"{REPO}/model.Q4_0.gguf") < SIZE * 1.5


def test_cancelled_it_leaves_nothing(hub: HubServer, jobs: Queue) -> None:
    hub.fault(f"{REPO}/model.Q4_0.gguf", rate=12 << 20)
    job = jobs.queue.submit("download", "A model", {"selection": selection(hub)})
    jobs.wait(job, JobState.RUNNING, steps=SIZE // 4)
    assert left_over()
    jobs.queue.act(job, "cancel")
    jobs.wait(job, JobState.CANCELLED)
    assert left_over() == []


def test_the_application_killed_in_the_middle(hub: HubServer, jobs: Queue) -> None:
    """The next application finishes it; `jobs` is that one, waiting for the lock from the beginning."""
    jobs.queue.close()
    hub.fault(f"{REPO}/model.Q4_0.gguf", rate=12 << 20)
    app = App("real")
    app.tell("submit", "download", "A model", {"selection": wire.as_object(selection(hub))})
    app.wait("running", steps=SIZE // 3)
    app.kill()
    again = Queue()
    job = wait_for(again.queue.records)[0].id
    again.wait(job, JobState.DONE)
    again.queue.close()
    assert model().read_bytes() == noise(SIZE)
    assert hub.sent(f"{REPO}/model.Q4_0.gguf") < SIZE * 1.5


def test_what_the_hub_says_is_said(hub: HubServer, jobs: Queue) -> None:
    chosen = selection(hub)
    hub.repos.clear()
    job = jobs.queue.submit("download", "A model", {"selection": chosen})
    error = jobs.wait(job, JobState.FAILED).error
    assert error is not None
    assert error.code == "repo_not_found"


class Answers:
    def __init__(self) -> None:
        self.worker = Worker()
        self._news: queue.Queue[Any] = queue.Queue()

    def ask(self, method: str, **params: Any) -> Any:
        self.worker.call(method, params, self._news.put, self._news.put)
        return self._news.get(timeout=30)


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    yield made
    made.worker.close()


def test_searching_through_the_worker(hub: HubServer, answers: Answers) -> None:
    found = answers.ask("hub.search", text="model", kind="gguf")
    assert [hit.repo for hit in found.hits] == [REPO]
    page = answers.ask("hub.repo_page", repo=REPO)
    assert [q.label for q in page.quantizations] == ["Q4_0"]
    assert isinstance(answers.ask("hub.repo_page", repo="org/nothing"), RepoNotFoundError)


def test_what_a_remote_model_takes(hub: HubServer, answers: Answers, starter_model: Path) -> None:
    """From its header alone, and asked for again without the network."""
    hub.add_repo("org/starter-GGUF", {"starter.gguf": starter_model})
    commit = hub.repos["org/starter-GGUF"].branches["main"]
    asked = {"repo": "org/starter-GGUF", "revision": commit, "files": ["starter.gguf"]}
    short = answers.ask("hub.fit", **asked, n_ctx=512)
    assert not isinstance(short, Q8Error), short
    assert (short.n_ctx, short.verdict) == (512, "fits")
    sent = hub.sent("org/starter-GGUF/starter.gguf")
    assert 0 < sent < starter_model.stat().st_size / 5
    longer = answers.ask("hub.fit", **asked, n_ctx=4096)
    assert longer.prediction.footprint.kv == 8 * short.prediction.footprint.kv
    assert hub.sent("org/starter-GGUF/starter.gguf") == sent


def test_offline_is_said(hub: HubServer, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert isinstance(answers.ask("hub.search", text="model"), OfflineError)
