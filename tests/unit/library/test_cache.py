"""Headers are read once: counted are the model files that Python really opens."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from q8chat.library import cache
from q8chat.library.scan import scan
from q8chat.library.types import Folder, ScanResult
from tests.unit.library.model_files import write_model

N_FOLDERS, N_FILES = 50, 20
_opened: list[str] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _opened is not None and str(args[0]).endswith(".gguf"):
        _opened.append(str(args[0]))


sys.addaudithook(_hook)  # there is no way to remove it, so it does nothing between the tests


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Names of .gguf files as they are opened."""
    global _opened  # noqa: PLW0603 - see above
    _opened = []
    yield _opened
    _opened = None


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 model files: hard links to one."""
    top = tmp_path_factory.mktemp("thousand")
    first = write_model(top / "model-000-0.gguf")
    for folder in range(N_FOLDERS):
        place = top / f"publisher{folder % 7}" / f"repo{folder}"
        place.mkdir(parents=True)
        for n in range(N_FILES):
            (place / f"model-{folder}-{n}.gguf").hardlink_to(first)
    first.unlink()
    return top


def look(folder: Path) -> ScanResult:
    return scan([Folder(str(folder), str(folder))])


def test_a_warm_scan_of_a_thousand_files_opens_none(thousand: Path, opened: list[str]) -> None:
    cold = look(thousand)
    assert len(cold.models) == N_FOLDERS * N_FILES == len(opened)
    opened.clear()
    assert look(thousand) == cold
    assert opened == []


def test_only_what_changed_is_read_again(tmp_path: Path, opened: list[str]) -> None:
    first, second = write_model(tmp_path / "a.gguf"), write_model(tmp_path / "b.gguf")
    look(tmp_path)
    opened.clear()
    size = second.stat().st_size
    write_model(second, name="Tony")  # same length
    assert second.stat().st_size == size
    write_model(tmp_path / "c.gguf")
    opened.clear()
    look(tmp_path)
    assert sorted(opened) == [str(second), str(tmp_path / "c.gguf")]
    info = first.stat()
    shutil.copyfile(first, tmp_path / "new")
    os.utime(tmp_path / "new", ns=(info.st_atime_ns, info.st_mtime_ns))
    (tmp_path / "new").rename(first)  # same size and time, another file
    opened.clear()
    look(tmp_path)
    assert opened == [str(first)]


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"version":1', b'"version":0'),
        lambda data: b'{"version":1,"entries":{"/a":[1,2]}}',
        lambda data: b"\xff\x00" * 100,
    ],
    ids=["empty", "cut", "another version", "odd entries", "garbage"],
)
def test_a_damaged_cache_is_only_slow(tmp_path: Path, opened: list[str], harm: Callable[[bytes], bytes]) -> None:
    write_model(tmp_path / "tiny.gguf")
    before = look(tmp_path)
    data = cache.default_path().read_bytes()
    assert harm(data) != data
    cache.default_path().write_bytes(harm(data))
    opened.clear()
    assert look(tmp_path) == before
    assert len(opened) == 1
    assert cache.default_path().read_bytes() == data


def test_a_cache_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf")
    cache.default_path().mkdir()
    assert len(look(tmp_path).models) == 1


def test_files_that_are_gone_are_forgotten_but_not_those_of_other_folders(tmp_path: Path) -> None:
    here, there = write_model(tmp_path / "a" / "tiny.gguf"), write_model(tmp_path / "b" / "tiny.gguf")
    look(tmp_path / "a")
    look(tmp_path / "b")
    assert str(here).encode() in cache.default_path().read_bytes()
    here.unlink()
    look(tmp_path / "a")
    data = cache.default_path().read_bytes()
    assert str(here).encode() not in data
    assert str(there).encode() in data
