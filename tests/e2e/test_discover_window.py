"""Finding, fetching and using a model in the real window, by keys alone, against a hub of our own."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.real_window import RealWindow, virtual_screen, wait_until
from tests.fakes import hub_showcase as showcase
from tests.fakes.hub_environment import NULL_KEYRING
from tests.fakes.hub_server import HubServer

PICTURES = Path(__file__).resolve().parents[2] / "resources" / "screenshots"
WANTED = "SmolLM2-135M-Instruct-Q4_1.gguf"
OTHER = "bartowski/Llama-3.2-3B-Instruct-GGUF"
MANY = "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF"
SETTLED = 0.4  # seconds without a request: the page has all it asked for
HIDDEN = ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.fixture
def hub(starter_model: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        showcase.fill(server)
        yield server


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return PICTURES if os.environ.get("Q8CHAT_PICTURES") else tmp_path


class Session:
    """A home, the hub, and what can be seen of both from outside."""

    def __init__(self, display: str, home: Path, hub: HubServer) -> None:
        self.display, self.home, self.hub = display, home, hub
        self.file = home / "data" / "q8chat" / "models" / showcase.SMOL_REPO / WANTED
        self.noted = home / "data" / "q8chat" / "last-used.json"

    def start(self) -> RealWindow:
        env = {k: v for k, v in os.environ.items() if k not in HIDDEN}
        env |= {"HOME": str(self.home), "HF_HOME": str(self.home / "hf"), "HF_ENDPOINT": self.hub.endpoint}
        window = RealWindow(self.display, self.home, env=env | {"PYTHON_KEYRING_BACKEND": NULL_KEYRING})
        wait_until(self.noted.exists, "the starter model")
        return window

    def wait_for_request(self, path: str) -> None:
        """Until the hub was asked for it, and then for nothing more."""
        wait_until(lambda: any(path in r.path for r in self.hub.requests), f"a request for {path}")
        wait_until(self._is_quiet, "the end of the requests")

    def _is_quiet(self) -> bool:
        before = len(self.hub.requests)
        time.sleep(SETTLED)
        return len(self.hub.requests) == before

    def search(self, window: RealWindow, text: str) -> None:
        window.keys("ctrl+f", "ctrl+a")
        window.type(text)
        self.wait_for_request(f"search={text.replace(' ', '+')}")

    def open_wanted(self, window: RealWindow) -> None:
        """The page of the repository of which a model is really there, found by searching."""
        self.search(window, "smollm2-135m")
        window.keys("Down", "Return")
        self.wait_for_page(showcase.SMOL_REPO)

    def open_named(self, window: RealWindow, named: str) -> None:
        """The page of a repository whose name is known: "org/name" or "org/name:Q4_K_M"."""
        window.keys("ctrl+f", "ctrl+a")
        window.type(named)
        window.keys("Return")
        self.wait_for_page(named.partition(":")[0])

    def wait_for_page(self, repo: str) -> None:
        """Until the window shows it: only then headers are asked for, to know the memory needed."""
        self.wait_for_request(f"/{repo}/resolve/")

    def states(self) -> list[str]:
        """Of all jobs, the oldest first."""
        records = sorted((self.home / "data" / "q8chat" / "jobs").glob("*.json"))
        return [json.loads(record.read_text())["state"] for record in records]

    def wait_for_states(self, *states: str) -> None:
        wait_until(lambda: self.states() == list(states), f"jobs that are {states}")


@pytest.fixture
def session(display: str, tmp_path: Path, hub: HubServer) -> Session:
    return Session(display, tmp_path, hub)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_from_a_search_to_a_chat_by_keys_alone(session: Session, pictures: Path, starter_model: Path) -> None:
    session.hub.fault(f"{OTHER}/Llama-3.2-3B-Instruct-Q4_K_M.gguf", rate=24e6)
    with session.start() as window:
        window.keys("ctrl+2", "ctrl+Next")
        session.search(window, "instruct")
        window.picture(pictures / "discover.png")
        session.open_named(window, MANY)
        window.picture(pictures / "repo.png")
        session.open_wanted(window)
        window.type("q4_1")
        window.keys("Return")
        session.wait_for_states("done")
        assert digest(session.file) == digest(starter_model)

        session.open_named(window, f"{OTHER}:Q4_K_M")
        window.keys("Return")
        session.wait_for_states("done", "running")
        window.keys("ctrl+Next")
        wait_until(lambda: session.hub.sent(f"{OTHER}/Llama-3.2-3B-Instruct-Q4_K_M.gguf") > 100e6, "100 MB of it")
        window.picture(pictures / "downloads.png")
        window.keys("space")
        session.wait_for_states("done", "paused")
        window.keys("Down", "space")
        wait_until(lambda: str(session.file) in session.noted.read_text(), f"the model; the log: {window.log}")
        window.type("Hello!")
        window.keys("Return")
        window.wait_for_text()


def test_a_repository_in_the_dark(session: Session, pictures: Path) -> None:
    settings = session.home / "config" / "q8chat" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"appearance": "dark"}))
    with session.start() as window:
        window.keys("ctrl+2", "ctrl+Next")
        session.open_named(window, MANY)
        shown = window.picture(pictures / "repo-dark.png")
        assert darkness(shown) > 0.8


def darkness(picture: Path) -> float:
    """The share of points that are darker than the middle."""
    from PySide6.QtGui import QImage

    image = QImage(str(picture)).convertToFormat(QImage.Format.Format_Grayscale8)
    points = bytes(image.constBits())
    return sum(p < 128 for p in points[::97]) / len(points[::97])


def test_a_killed_download_goes_on_by_itself(session: Session, starter_model: Path) -> None:
    target = f"{showcase.SMOL_REPO}/{WANTED}"
    session.hub.fault(target, rate=10e6)
    with session.start() as window:
        window.keys("ctrl+2", "ctrl+Next")
        session.open_wanted(window)
        window.type("q4_1")
        window.keys("Return")
        wait_until(lambda: session.hub.sent(target) > 25e6, "a quarter of the file")
    assert not session.file.exists()  # leaving the block was a kill -9
    assert session.states() == ["running"]
    session.hub.faults.clear(target)
    with session.start():
        session.wait_for_states("done")
    size = starter_model.stat().st_size
    assert digest(session.file) == digest(starter_model)
    assert session.hub.sent(target) < size + (32 << 20)
