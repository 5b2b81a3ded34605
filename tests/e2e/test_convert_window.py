"""Converting in the real window on a virtual screen: by keys alone and by mouse, then chatting with the result."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from q8chat.gguf_files.header import read_header
from tests.e2e.real_window import RealWindow, virtual_screen, wait_until
from tests.unit.convert.conftest import smollm2  # noqa: F401  fixture

PICTURES = Path(__file__).resolve().parents[2] / "resources" / "screenshots"
STEADY = 2.0  # seconds: figures on the page have come


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return PICTURES if os.environ.get("Q8CHAT_PICTURES") else tmp_path


def opened(display: str, home: Path, appearance: str = "light") -> RealWindow:
    """The window on the Convert panel, its field ready to type in."""
    settings = home / "config" / "q8chat" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"appearance": appearance}))
    window = RealWindow(display, home, env={**os.environ, "HOME": str(home)})
    noted = home / "data" / "q8chat" / "last-used.json"
    wait_until(noted.exists, "the starter model")
    window.keys("ctrl+3")
    time.sleep(STEADY)
    return window


def jobs(home: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((home / "data" / "q8chat" / "jobs").glob("*.json"))]


def done(home: Path, log: Callable[[], str]) -> Path:
    """The file of the only job, when it is there."""
    wait_until(lambda: any(j["state"] == "done" for j in jobs(home)), f"the job; the log says: {log()}", 180)
    (job,) = jobs(home)
    result = job["result"]
    assert isinstance(result, dict)
    return Path(result["path"])


def test_a_checkpoint_becomes_q4_k_m_by_keys_alone_and_chats(
    display: str,
    tmp_path: Path,
    pictures: Path,
    smollm2: Path,  # noqa: F811
) -> None:
    folder = tmp_path / smollm2.name
    shutil.copytree(smollm2, folder, copy_function=os.link)
    with opened(display, tmp_path) as window:
        window.type(f"~/{folder.name}")
        window.keys("Return")
        window.settle()
        window.keys(*["Tab"] * 5, "Home", *["Down"] * 6)
        time.sleep(STEADY)
        window.picture(pictures / "convert.png")
        window.keys("Return", "space")  # to the button, which starts
        made = done(tmp_path, lambda: window.log)
        assert made.name.endswith("-Q4_K_M.gguf")
        assert made.parent.is_relative_to(tmp_path / "data" / "q8chat" / "models")
        assert read_header(made).metadata["general.file_type"] == 15
        time.sleep(STEADY)
        window.picture(pictures / "convert-done.png")
        window.keys("space")  # the button has the focus: chat with it
        noted = tmp_path / "data" / "q8chat" / "last-used.json"
        wait_until(lambda: str(made) in noted.read_text(), f"the model to be loaded; the log says: {window.log}")
        window.type("Hello!")
        window.keys("Return")
        window.wait_for_text()


def test_a_model_of_the_list_is_requantized_by_mouse(
    display: str, tmp_path: Path, pictures: Path, starter_model: Path
) -> None:
    with opened(display, tmp_path, "dark") as window:
        window.click(627, 161)  # the field
        window.type(starter_model.name[:16].lower())
        time.sleep(STEADY)
        window.click(300, 190)  # the model below it
        window.settle()
        window.click(300, 566)  # a level
        time.sleep(STEADY)
        window.picture(pictures / "convert-dark.png")
        window.click(300, 566)
        window.click(300, 566)  # twice: on to the button
        time.sleep(STEADY)
        window.picture(tmp_path / "button.png")
        window.click(200, 733)
        made = done(tmp_path, lambda: window.log)
        assert made.stat().st_size > 0
        assert not list(made.parent.glob("*.part"))
