"""A person's first minutes with the application, with real key presses on a real (virtual) screen.

With Q8CHAT_PICTURES=1 the pictures land in resources/screenshots, from where the README shows them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.real_window import RealWindow, virtual_screen, wait_until

SCREENSHOTS = Path(__file__).parents[2] / "resources" / "screenshots"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return SCREENSHOTS if os.environ.get("Q8CHAT_PICTURES") else tmp_path


def with_settings(home: Path, **values: object) -> Path:
    file = home / "config" / "q8chat" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(values))
    return home


def choose_greedy(window: RealWindow) -> None:
    """The preset with temperature 0, so that the answers are the same every time."""
    window.keys("ctrl+comma")
    window.type("Greedy")
    window.keys("ctrl+l")


def engine_of(window: RealWindow) -> psutil.Process:
    children = psutil.Process(window.process.pid).children()
    return next(c for c in children if "engine" in c.cmdline())


def test_first_answer_in_one_action(display: str, tmp_path: Path, pictures: Path) -> None:
    """Nothing set up, nothing chosen: type, press Enter, read."""
    with RealWindow(display, tmp_path) as window:
        time.sleep(1.5)  # for the picture only: the model is loaded by then
        window.picture(pictures / "first-start.png")
        window.type("How does a rainbow form?")
        window.keys("Return")
        window.wait_for_text(characters=20)


def test_a_name_told_in_the_first_turn_is_known_in_the_second(display: str, tmp_path: Path, pictures: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        choose_greedy(window)
        window.type("Hello! My name is Zebulon and I live in Oslo.")
        window.keys("Return")
        window.wait_for_answers(1)
        window.type("What did I say my name was?")
        window.keys("Return")
        assert "Zebulon" in window.wait_for_answers(2)
        window.picture(pictures / "two-turns.png")


def test_code_is_shown_as_code_while_the_answer_streams(display: str, tmp_path: Path, pictures: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        choose_greedy(window)
        window.keys("ctrl+comma")
        window.type("Write a Python function that adds two numbers.")
        window.keys("Return")
        wait_until(lambda: "```" in "".join(c for _, c, _ in window.messages()), "a code block")
        window.picture(pictures / "streaming.png")
        window.keys("Escape")
        window.wait_for_answers(1)


def test_shift_enter_breaks_the_line_and_escape_stops(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        window.type("Write a very long story")
        window.keys("shift+Return")
        window.type("about a whale and a lighthouse.")
        window.keys("Return")
        window.wait_for_text()
        window.keys("Escape")
        window.wait_for_answers(1)
        role, text, _ = window.messages()[0]
        assert (role, text) == ("user", "Write a very long story\nabout a whale and a lighthouse.")
        assert window.messages()[1][2] == "stopped"


def test_a_crash_of_the_engine_costs_one_answer_and_one_click(display: str, tmp_path: Path, pictures: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        window.type("Write a very long story about a whale and a lighthouse.")
        window.keys("Return")
        window.wait_for_text()
        engine_of(window).kill()
        window.wait_for_answers(1)
        window.picture(pictures / "crash.png")
        assert window.messages()[1][1:] == (window.answers()[0], "interrupted")
        window.type("Hello again!")
        window.keys("Return")
        window.wait_for_text(answer=2)


def test_killed_with_9_nothing_is_lost_and_no_engine_stays(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        window.type("Write a very long story about a whale and a lighthouse.")
        window.keys("Return")
        window.wait_for_text()
        engine = engine_of(window)
        window.process.kill()
        wait_until(
            lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, "the engine's end", 5
        )
        saved = window.messages()[1][1]
    with RealWindow(display, tmp_path) as window:
        wait_until(lambda: window.messages()[1][2] == "interrupted", "the mark at the next start")
        assert window.messages()[1][1] == saved != ""


def test_this_machine_and_the_dark(display: str, tmp_path: Path, pictures: Path) -> None:
    with RealWindow(display, with_settings(tmp_path, appearance="dark")) as window:
        window.type("How does a rainbow form?")
        window.keys("Return")
        window.wait_for_text(characters=200)
        window.picture(pictures / "dark.png")
        window.keys("ctrl+4")
        time.sleep(2)
        window.picture(pictures / "this-machine.png")


def test_two_windows_share_one_history(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path) as first, RealWindow(display, tmp_path) as second:
        for window, text in ((first, "Hello from the first."), (second, "Hello from the second.")):
            window.focus()
            window.type(text)
            window.keys("Return")

        def written() -> set[str]:
            return {content for _, content, _ in first.messages()}

        wait_until(lambda: written() >= {"Hello from the first.", "Hello from the second."}, "both messages")
        first.wait_for_text(answer=1)
        first.wait_for_text(answer=2)


def test_closing_the_window_ends_everything(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path) as window:
        window.type("Write a very long story about a whale and a lighthouse.")
        window.keys("Return")
        window.wait_for_text()
        engine = engine_of(window)
        window.keys("ctrl+q")
        wait_until(lambda: window.process.poll() is not None, "the end of the application", 10)
        assert window.process.returncode == 0
        assert not engine.is_running()
        assert window.messages()[1][2] == "stopped"
