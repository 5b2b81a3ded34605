"""The real application: a download goes on by itself after kill -9, and nothing outlives the window."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from q8chat.core import paths
from q8chat.jobs import wire
from q8chat.jobs.kinds import KINDS
from q8chat.jobs.store import JobStore
from q8chat.jobs.types import JobRecord
from tests.fakes.hub_server import HubServer
from tests.unit.hub.download_driver import REPO, noise, selection
from tests.unit.jobs.queue_driver import wait_for

SIZE = 24 << 20
FILE = f"{REPO}/model.Q4_0.gguf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add_repo(REPO, {"model.Q4_0.gguf": noise(SIZE)})
        server.fault(FILE, rate=8 << 20)
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def start() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "q8chat"], stderr=subprocess.PIPE, text=True)


def test_a_download_goes_on_after_kill_9(hub: HubServer) -> None:
    store = JobStore(paths.data_dir() / "jobs", KINDS)
    store.prepare()
    store.save(JobRecord("1", "download", "A model", wire.as_object({"selection": selection(hub)})))
    model = paths.models_dir() / FILE

    first = start()
    try:
        wait_for(lambda: hub.sent(FILE) > SIZE // 4)
        children = psutil.Process(first.pid).children()
        assert children
    finally:
        first.kill()
        first.communicate()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert gone
    assert not alive
    assert not model.exists()

    second = start()
    try:
        wait_for(model.exists)
        wait_for(lambda: (record := store.read("1")) is not None and record.is_finished)
        children = psutil.Process(second.pid).children()
        second.send_signal(signal.SIGTERM)
        _, complaints = second.communicate(timeout=20)
    finally:
        second.kill()
    assert second.returncode == 0
    assert "Traceback" not in complaints
    assert model.read_bytes() == noise(SIZE)
    assert hub.sent(FILE) < SIZE * 1.5
    assert not psutil.wait_procs(children, timeout=10)[1]
