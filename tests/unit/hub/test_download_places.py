"""Where downloads go: full, read-only and vanished disks, names and links that lead elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from q8chat.core.errors import DiskFullError, DownloadError
from q8chat.core.progress import Progress
from q8chat.hub.download import download
from q8chat.hub.part_file import CHUNK
from q8chat.hub.types import RemoteFile, Selection
from tests.fakes.hub_server import HubServer
from tests.unit.hub.download_driver import HURRIED, REPO, leftovers, noise, selection

FOLDER = Path(*REPO.split("/"))
DATA = noise(1_200_000, 4)


def test_a_disk_without_enough_space_is_said_before_anything_is_fetched(hub: HubServer, small_disk: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA, "b.gguf": DATA})
    with pytest.raises(DiskFullError, match=r"2\.3 MiB .* 2\.0 MiB are free"):
        download(selection(hub), root=small_disk)
    assert hub.requests == []
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_fills_up_keeps_the_part(hub: HubServer, small_disk: Path) -> None:
    data = noise(1_700_000, 6)
    hub.add_repo(REPO, {"a.gguf": data})
    ballast = small_disk / "ballast"

    def fill(progress: Progress) -> None:
        if progress.done > CHUNK and not ballast.exists():
            ballast.write_bytes(bytes(900_000))

    with pytest.raises(DiskFullError, match="is full"):
        download(selection(hub), fill, root=small_disk)
    assert not (small_disk / FOLDER / "a.gguf").exists()
    with pytest.raises(DiskFullError, match="still to be fetched"):
        download(selection(hub), root=small_disk)
    ballast.unlink()
    hub.requests.clear()
    assert download(selection(hub), root=small_disk)[0].read_bytes() == data
    (asked,) = [r.range for r in hub.requests if r.range]
    assert CHUNK <= int(asked.removeprefix("bytes=").partition("-")[0]) < len(data)
    assert leftovers(small_disk) == []


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_a_read_only_folder(hub: HubServer, small_disk: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    with read_only(small_disk), pytest.raises(DownloadError, match="can't be written"):
        download(selection(hub), root=small_disk)
    (small_disk / FOLDER).mkdir(parents=True)
    with read_only(small_disk), pytest.raises(DownloadError, match="can't be written"):
        download(selection(hub), root=small_disk)
    assert hub.sent(f"{REPO}/a.gguf") == 0


def test_a_folder_that_vanishes(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": noise(5_000_000)})
    hub.fault(f"{REPO}/a.gguf", rate=20e6)

    def vanish(progress: Progress) -> None:
        if progress.done > 1_000_000:
            shutil.rmtree(tmp_path / FOLDER, ignore_errors=True)

    with pytest.raises(DownloadError, match="can't be used any more"):
        download(selection(hub), vanish, root=tmp_path)
    assert hub.sent(f"{REPO}/a.gguf") < 5_000_000


@pytest.mark.parametrize(
    "path",
    [
        "../x.gguf",
        "a/../../../x.gguf",
        "/etc/x.gguf",
        "a//x.gguf",
        "..",
        "a\\..\\x.gguf",
        "nul.gguf",
        "x" * 255,
        "a\0b",
    ],
)
def test_names_that_lead_elsewhere_or_can_not_be(hub: HubServer, tmp_path: Path, path: str) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    file = RemoteFile(
        path=path, size=len(DATA), sha256=hub.repos[REPO].commits[selection(hub).revision]["a.gguf"].sha256
    )
    root = tmp_path / "models"
    chosen = Selection(repo=REPO, revision="main", label="", name="", files=(file,), size=file.size)
    with pytest.raises(DownloadError, match="can't be saved under this name"):
        download(chosen, root=root)
    assert list(tmp_path.iterdir()) == []
    assert hub.requests == []


@pytest.mark.parametrize("repo", ["../evil", "org/..", "/etc", "org/../../x"])
def test_repositories_that_lead_elsewhere(tmp_path: Path, repo: str) -> None:
    chosen = Selection(repo=repo, revision="main", label="", name="", files=(RemoteFile(path="a", size=1),), size=1)
    with pytest.raises(DownloadError):
        download(chosen, root=tmp_path / "models")
    assert list(tmp_path.iterdir()) == []


def test_links_out_of_the_model_folder_are_not_followed(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    root, outside = tmp_path / "models", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "org").symlink_to(outside)
    with pytest.raises(DownloadError, match="outside the model folder"):
        download(selection(hub), root=root)
    (root / "org").unlink()
    (root / "org").symlink_to(root / "org")
    with pytest.raises(DownloadError):
        download(selection(hub), root=root)
    assert list(outside.iterdir()) == []


def test_a_link_under_the_files_name_is_not_written_through(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    place, secret = tmp_path / FOLDER / "a.gguf", tmp_path / "secret"
    place.parent.mkdir(parents=True)
    place.symlink_to(secret)
    with pytest.raises(DownloadError, match="another file"):
        download(selection(hub), root=tmp_path)
    assert not secret.exists()
    place.unlink()
    part = next(iter(_part_names(hub, tmp_path)))
    (place.parent / part).symlink_to(secret)
    with pytest.raises(DownloadError):
        download(selection(hub), root=tmp_path)
    assert not secret.exists()


def _part_names(hub: HubServer, root: Path) -> set[str]:
    """What the parts of `a.gguf` are called, seen while they are there."""
    seen: set[str] = set()
    elsewhere = root / "elsewhere"
    download(
        selection(hub),
        lambda _: seen.update(p.name for p in elsewhere.rglob(".*.part") if p.is_file()),
        root=elsewhere,
        patience=HURRIED,
    )
    shutil.rmtree(elsewhere)
    return seen


def test_a_model_folder_that_is_a_link_itself_is_the_users_choice(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    (tmp_path / "big disk").mkdir()
    (tmp_path / "models").symlink_to(tmp_path / "big disk")
    assert download(selection(hub), root=tmp_path / "models")[0].read_bytes() == DATA


def test_a_name_as_long_as_can_be(hub: HubServer, tmp_path: Path) -> None:
    name = "ü" * 107 + ".gguf"  # 219 bytes
    hub.add_repo(REPO, {name: DATA})
    path = download(selection(hub), root=tmp_path)[0]
    assert path.name == name
