"""Changes in folders are told, once for many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from q8chat.gui.folder_watch import PAUSE_MS, FolderWatch


@pytest.fixture
def watch(qtbot: QtBot) -> Iterator[FolderWatch]:
    made = FolderWatch()
    yield made
    made.close()


def settled(qtbot: QtBot, watch: FolderWatch, folders: tuple[str, ...]) -> None:
    watch.watch(folders)
    qtbot.waitUntil(lambda: set(watch._watcher._watcher.directories()) == set(folders))


def test_many_changes_are_told_once(qtbot: QtBot, watch: FolderWatch, tmp_path: Path) -> None:
    settled(qtbot, watch, (str(tmp_path),))
    told: list[int] = []
    watch.changed.connect(lambda: told.append(1))
    for n in range(20):
        (tmp_path / f"{n}.gguf").write_bytes(b"")
    qtbot.waitUntil(lambda: bool(told))
    qtbot.wait(PAUSE_MS)
    assert told == [1]


def test_a_folder_that_is_not_wanted_any_more_is_left_alone(
    qtbot: QtBot, watch: FolderWatch, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    settled(qtbot, watch, (str(old),))
    settled(qtbot, watch, (str(new),))
    with qtbot.assertNotEmitted(watch.changed, wait=2 * PAUSE_MS):
        (old / "x").touch()
    with qtbot.waitSignal(watch.changed):
        (new / "x").touch()


def test_nothing_is_told_after_closing(qtbot: QtBot, watch: FolderWatch, tmp_path: Path) -> None:
    settled(qtbot, watch, (str(tmp_path),))
    watch.close()
    with qtbot.assertNotEmitted(watch.changed, wait=2 * PAUSE_MS):
        (tmp_path / "x").touch()
    watch.watch((str(tmp_path),))
    assert not watch._thread.isRunning()
