"""What a download leaves behind when all is well, when it was stopped, and when the file is wrong."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from q8chat.core.errors import (
    DownloadDamagedError,
    DownloadError,
    HubUnreachableError,
    OfflineError,
    RevisionNotFoundError,
)
from q8chat.core.progress import Cancel, CancelledError
from q8chat.gguf_files import provenance
from q8chat.hub.download import discard, download, fetched
from tests.fakes.hub_server import BytesContent, HubServer, RandomContent
from tests.unit.hub.download_driver import HURRIED, REPO, Notes, leftovers, noise, selection, start

FOLDER = Path(*REPO.split("/"))
DATA = noise(3_000_000)


def cancel_when(notes: Notes, cancel: Cancel, done: int) -> threading.Thread:
    """Sets `cancel` as soon as `done` bytes are there."""

    def watch() -> None:
        while not any(p.done >= done for p in list(notes)):
            time.sleep(0.005)
        cancel.set()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_shards_are_one_download_and_say_where_they_are_from(hub: HubServer, tmp_path: Path) -> None:
    names = [f"q4/model-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    hub.add_repo(REPO, {name: noise(500_000, i) for i, name in enumerate(names)})
    notes = Notes()
    paths = download(selection(hub), notes.append, root=tmp_path)
    assert paths == [tmp_path / FOLDER / name for name in names]
    assert [p.read_bytes() for p in paths] == [noise(500_000, i) for i in range(3)]
    assert leftovers(tmp_path) == []
    known = provenance.read(paths[1])
    assert (known.repo, known.file, known.licence) == (REPO, names[1], "apache-2.0")
    assert known.revision == hub.repos[REPO].branches["main"]
    assert known.sha256 == hashlib.sha256(noise(500_000, 1)).hexdigest()
    assert [p.done for p in notes] == sorted(p.done for p in notes)
    assert notes[-1].done == notes[-1].total == 1_500_000
    assert hub.leaks == []


def test_what_is_there_is_not_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA, "config.json": '{"a": 1}'})
    chosen = selection(hub)
    model, config = download(chosen, root=tmp_path)
    before = len(hub.requests)
    download(chosen, root=tmp_path)
    assert len(hub.requests) == before
    provenance.sidecar(model).unlink()  # e.g. a file the user put there
    download(chosen, root=tmp_path)
    assert len(hub.requests) == before
    assert provenance.read(model).sha256 == hashlib.sha256(DATA).hexdigest()
    assert config.read_text() == '{"a": 1}'


def test_another_file_is_never_replaced(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    place = tmp_path / FOLDER / "a.gguf"
    place.parent.mkdir(parents=True)
    for content in (b"mine", DATA[:-1] + b"x"):
        place.write_bytes(content)
        with pytest.raises(DownloadError, match="another file"):
            download(selection(hub), root=tmp_path)
        assert place.read_bytes() == content
    assert hub.sent(f"{REPO}/a.gguf") == 0
    assert leftovers(tmp_path) == []


def test_a_file_changed_after_its_download_is_looked_at_again(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA, "config.json": b"{}"})
    model, config = download(selection(hub), root=tmp_path)
    later = time.time() + 5
    model.write_bytes(DATA[:-1] + b"x")
    os.utime(model, (later, later))
    with pytest.raises(DownloadError, match="another file"):
        download(selection(hub, "a.gguf"), root=tmp_path)
    config.write_text("[]")
    os.utime(config, (later, later))
    with pytest.raises(DownloadError, match="another file"):
        download(selection(hub, "config.json"), root=tmp_path)


def test_a_file_that_appears_meanwhile_is_kept(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    place = tmp_path / FOLDER / "a.gguf"
    with pytest.raises(DownloadError, match="appeared during"):
        download(selection(hub), lambda p: place.write_bytes(b"mine") and None, root=tmp_path)
    assert place.read_bytes() == b"mine"


def test_a_wrong_byte_is_an_error_and_nothing_of_it_stays(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    hub.fault(f"{REPO}/a.gguf", wrong_at=1_234_567, times=1)
    with pytest.raises(DownloadDamagedError, match=r"a\.gguf"):
        download(selection(hub), root=tmp_path)
    assert list((tmp_path / FOLDER).iterdir()) == []
    assert download(selection(hub), root=tmp_path)[0].read_bytes() == DATA


def test_small_files_are_checked_too(hub: HubServer, tmp_path: Path) -> None:
    class Lying(BytesContent):
        git_sha1 = "0123456789" * 4

    hub.add_repo(REPO, {"good.json": b"{}", "empty.txt": b"", "bad.json": Lying(b"[]")})
    download(selection(hub, "good.json", "empty.txt"), root=tmp_path)
    with pytest.raises(DownloadDamagedError, match=r"bad\.json"):
        download(selection(hub, "bad.json"), root=tmp_path)
    names = [p.name for p in (tmp_path / FOLDER).iterdir() if not p.name.startswith(".")]
    assert sorted(names) == ["empty.txt", "good.json"]


def test_cancel_works_at_once_and_also_while_nothing_comes(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    hub.fault(f"{REPO}/a.gguf", stall_after=1_500_000, times=1)
    notes, cancel = Notes(), Cancel()
    watcher = cancel_when(notes, cancel, 1_500_000)
    with pytest.raises(CancelledError):
        download(selection(hub), notes.append, cancel, root=tmp_path)
    watcher.join()
    assert fetched(selection(hub), tmp_path) == [1_500_000]
    hub.fault(f"{REPO}/a.gguf", stall_after=0, times=1)
    assert _seconds_to_cancel(hub, tmp_path) < 0.2
    hub.fault(f"/{REPO}/resolve/", delay=5, times=1)
    assert _seconds_to_cancel(hub, tmp_path) < 0.2
    assert download(selection(hub), root=tmp_path)[0].read_bytes() == DATA
    assert hub.sent(f"{REPO}/a.gguf") == len(DATA)  # a pause costs nothing


def _seconds_to_cancel(hub: HubServer, root: Path) -> float:
    cancel, set_at = Cancel(), 0.0

    def stop() -> None:
        nonlocal set_at
        set_at = time.monotonic()
        cancel.set()

    timer = threading.Timer(0.3, stop)
    timer.start()
    with pytest.raises(CancelledError):
        download(selection(hub), root=root, cancel=cancel)
    took = time.monotonic() - set_at
    timer.join()
    return took


def test_discard_forgets_the_part_and_keeps_what_is_finished(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"a.gguf": noise(10_000), "sub/b.gguf": DATA})
    hub.fault(f"{REPO}/sub/b.gguf", reset_after=1_000_000, times=1)
    hub.fault(f"{REPO}/sub/b.gguf", status=503)
    with pytest.raises(DownloadError):
        download(selection(hub), root=tmp_path, patience=HURRIED)
    assert fetched(selection(hub), tmp_path)[1] > 0
    discard(selection(hub), tmp_path)
    assert [p.name for p in (tmp_path / FOLDER).iterdir() if not p.name.startswith(".")] == ["a.gguf"]
    assert leftovers(tmp_path) == []


def test_two_processes_fetch_a_file_once(hub: HubServer, tmp_path: Path) -> None:
    content = RandomContent(12 << 20, seed=5)
    hub.add_repo(REPO, {"a.gguf": content})
    assert content.sha256
    hub.fault(f"{REPO}/a.gguf", rate=8e6)
    children = [start(selection(hub), tmp_path, hub) for _ in range(2)]
    notes = Notes()
    while hub.sent(f"{REPO}/a.gguf") == 0:
        time.sleep(0.01)
    with pytest.raises(DownloadError, match="is being downloaded"):
        discard(selection(hub), tmp_path)
    path = download(selection(hub), notes.append, root=tmp_path)[0]
    for child in children:
        assert child.communicate()[1] == b""
        assert child.returncode == 0
    assert "Another download of a.gguf is running" in notes.text()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == content.sha256
    assert hub.sent(f"{REPO}/a.gguf") == content.size
    assert leftovers(tmp_path) == []


def test_a_new_version_between_pause_and_resume_starts_over(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add_repo(REPO, {"a.gguf": DATA})
    hub.fault(f"{REPO}/a.gguf", reset_after=1_000_000, times=1)
    hub.fault(f"{REPO}/a.gguf", status=503, times=5)
    paused = selection(hub)
    with pytest.raises(DownloadError, match="503"):
        download(paused, root=tmp_path, patience=HURRIED)
    repo.commit({"a.gguf": DATA[::-1]})
    notes = Notes()
    chosen_again = selection(hub)
    path = download(chosen_again, notes.append, root=tmp_path)[0]
    assert path.read_bytes() == DATA[::-1]
    assert "another version" in notes.text()
    assert leftovers(tmp_path) == []


def test_the_pinned_commit_goes_on_while_it_is_there(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add_repo(REPO, {"a.gguf": DATA})
    paused = selection(hub)
    hub.fault(f"{REPO}/a.gguf", reset_after=1_000_000, times=1)
    hub.fault(f"{REPO}/a.gguf", status=503, times=5)
    with pytest.raises(DownloadError):
        download(paused, root=tmp_path, patience=HURRIED)
    repo.commit({"a.gguf": DATA[::-1]})
    repo.commits[paused.revision]["a.gguf"], kept = (
        BytesContent(b"x" * len(DATA)),
        repo.commits[paused.revision]["a.gguf"],
    )
    with pytest.raises(DownloadError, match="was changed on the hub"):
        download(paused, root=tmp_path, patience=HURRIED)
    del repo.commits[paused.revision]
    with pytest.raises(RevisionNotFoundError):
        download(paused, root=tmp_path, patience=HURRIED)
    repo.commits[paused.revision] = {"a.gguf": kept}
    assert download(paused, root=tmp_path)[0].read_bytes() == DATA
    assert hub.sent(f"{REPO}/a.gguf") == len(DATA)


def test_offline_touches_no_network(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA, "b.gguf": DATA})
    have, have_not = selection(hub, "a.gguf"), selection(hub, "b.gguf")
    download(have, root=tmp_path)
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert download(have, root=tmp_path)
    with pytest.raises(OfflineError):
        download(have_not, root=tmp_path)
    assert hub.requests == []


def test_a_hub_that_is_not_there_is_said_within_three_seconds(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_repo(REPO, {"a.gguf": DATA})
    chosen = selection(hub)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(HubUnreachableError):
        download(chosen, root=tmp_path)
    assert time.monotonic() - began < 3
