"""Kills, resets, stalls, strange servers: every byte comes once, and the file is right."""

from __future__ import annotations

import hashlib
import random
import signal
import time
from pathlib import Path

import msgspec
import pytest

from q8chat.core.errors import DownloadError
from q8chat.core.progress import Progress
from q8chat.hub import part_names
from q8chat.hub.download import download, fetched
from q8chat.hub.part_file import CHUNK
from tests.fakes.hub_server import HubServer, RandomContent
from tests.unit.hub.download_driver import (
    HURRIED,
    LOST_PER_KILL,
    REPO,
    Notes,
    leftovers,
    noise,
    selection,
    start,
)

BIG = RandomContent(200 << 20, seed=1)
TARGET = f"{REPO}/big.gguf"
BREAKS = 20


def is_right(path: Path) -> bool:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() == BIG.sha256


def test_twenty_kills(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"big.gguf": BIG})
    chosen = selection(hub)
    hub.fault(TARGET, rate=60e6)
    place = tmp_path / REPO / "big.gguf"
    for point in sorted(random.Random(7).sample(range(BIG.size - CHUNK), BREAKS)):
        goal = max(point, hub.sent(TARGET) + 100_000)  # every one of them fetches something
        child = start(chosen, tmp_path, hub)
        try:
            while hub.sent(TARGET) < goal and child.poll() is None:
                time.sleep(0.002)
        finally:
            child.kill()
            child.communicate()
        assert child.returncode == -signal.SIGKILL
        assert not place.exists()
    assert download(chosen, root=tmp_path) == [place]
    assert is_right(place)
    twice = hub.sent(TARGET) - BIG.size
    print(f"{twice / BREAKS:,.0f} bytes per kill were sent twice")
    assert 0 <= twice <= BREAKS * LOST_PER_KILL, f"{twice / BREAKS:,.0f} bytes per kill"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("what", ["reset_after", "stall_after", "truncate_after"])
def test_twenty_broken_connections(hub: HubServer, tmp_path: Path, what: str) -> None:
    hub.add_repo(REPO, {"big.gguf": BIG})
    points = random.Random(what).choices(range(1, 2 * BIG.size // BREAKS), k=BREAKS)
    for point in points:
        hub.fault(TARGET, **{what: point}, times=1)
    notes = Notes()
    (place,) = download(selection(hub), notes.append, root=tmp_path, patience=HURRIED)
    assert is_right(place)
    assert hub.sent(TARGET) == BIG.size  # what was on its way is read before the connection counts as broken
    assert sum("Trying again" in p.note for p in notes) >= BREAKS // 2
    assert [p.done for p in notes] == sorted(p.done for p in notes)


DATA = noise(5_000_000, 3)
PAUSED_AT = 2_000_000


def paused(hub: HubServer, root: Path) -> None:
    """Leave a part of PAUSED_AT bytes, and no faults."""
    hub.add_repo(REPO, {"big.gguf": DATA})
    hub.fault(TARGET, reset_after=PAUSED_AT, times=1)
    hub.fault(TARGET, status=503)
    with pytest.raises(DownloadError, match="in 5 attempts"):
        download(selection(hub), root=root, patience=HURRIED)
    hub.faults.clear()
    assert fetched(selection(hub), root) == [PAUSED_AT]


def part(root: Path) -> Path:
    return next(p for p in part_names.parts(root / REPO / "big.gguf") if p.suffix == ".part")


def resumed(hub: HubServer, root: Path) -> int:
    """Finish, and return how many bytes were sent more than once."""
    (place,) = download(selection(hub), root=root, patience=HURRIED)
    assert place.read_bytes() == DATA
    assert leftovers(root) == []
    return hub.sent(TARGET) - len(DATA)


def test_a_pause_costs_nothing(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    assert resumed(hub, tmp_path) == 0
    assert f"bytes={PAUSED_AT}-{len(DATA) - 1}" in [r.range for r in hub.requests]


def test_zeros_after_a_power_failure_are_noticed(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    with part(tmp_path).open("r+b") as f:
        f.seek(1_500_000)
        f.write(bytes(500_000))
        f.write(bytes(1_000_000))  # longer than it ever was
    assert 0 < resumed(hub, tmp_path) <= 500_000 + CHUNK


def test_a_part_shorter_than_its_ledger_says_goes_on(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    with part(tmp_path).open("r+b") as f:
        f.truncate(1_300_000)
    assert resumed(hub, tmp_path) <= 700_000 + CHUNK


@pytest.mark.parametrize("damage", [b"", b"\0" * 300, b"{}\n1 2\n", None])
def test_without_its_ledger_a_part_starts_over(hub: HubServer, tmp_path: Path, damage: bytes | None) -> None:
    paused(hub, tmp_path)
    ledger = part_names.ledger_path(part(tmp_path))
    if damage is None:
        ledger.unlink()
    else:
        ledger.write_bytes(damage)
    assert resumed(hub, tmp_path) == PAUSED_AT


def test_a_torn_line_of_the_ledger_costs_its_chunk(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    ledger = part_names.ledger_path(part(tmp_path))
    ledger.write_bytes(ledger.read_bytes()[:-5])
    assert resumed(hub, tmp_path) <= CHUNK


def test_a_server_without_ranges_starts_over_and_it_is_said(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    hub.fault(TARGET, ranges="none")
    notes = Notes()
    (place,) = download(selection(hub), notes.append, root=tmp_path, patience=HURRIED)
    assert place.read_bytes() == DATA
    assert "sends everything again" in notes.text()
    assert hub.sent(TARGET) == PAUSED_AT + len(DATA)


def test_a_server_that_sends_another_range_is_not_believed(hub: HubServer, tmp_path: Path) -> None:
    paused(hub, tmp_path)
    hub.fault(TARGET, ranges="wrong")
    (place,) = download(selection(hub), root=tmp_path, patience=HURRIED)
    assert place.read_bytes() == DATA


def test_a_hub_in_trouble_is_waited_for_as_long_as_it_asks(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"big.gguf": DATA})
    hub.fault(f"/{REPO}/resolve/", status=429, retry_after=1, times=1)
    hub.fault(TARGET, status=503, times=2)
    notes, began = Notes(), time.monotonic()
    (place,) = download(selection(hub), notes.append, root=tmp_path, patience=HURRIED)
    assert place.read_bytes() == DATA
    assert time.monotonic() - began > 1
    assert "429" in notes.text() or "too many requests" in notes.text()


def test_a_hub_that_wants_an_hour_is_not_waited_for(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"big.gguf": DATA})
    hub.fault(TARGET, status=429, retry_after=3600)
    with pytest.raises(DownloadError, match="60 min"):
        download(selection(hub), root=tmp_path, patience=HURRIED)


def test_an_address_that_expires_is_asked_for_again(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, {"big.gguf": DATA})
    hub.url_lifetime = -1.0
    with pytest.raises(DownloadError, match="does not accept the address"):
        download(selection(hub), root=tmp_path, patience=HURRIED)
    hub.url_lifetime = 60.0
    assert download(selection(hub), root=tmp_path)[0].read_bytes() == DATA


@pytest.mark.parametrize("lie", [-1000, 1000])
def test_a_listing_that_lies_about_sizes(hub: HubServer, tmp_path: Path, lie: int) -> None:
    hub.add_repo(REPO, {"big.gguf": DATA})
    (file,) = selection(hub).files
    lying = msgspec.structs.replace(file, size=file.size + lie)
    with pytest.raises(DownloadError, match=r"lists this file with .* and sends 5,000,000"):
        download(msgspec.structs.replace(selection(hub), files=(lying,)), root=tmp_path, patience=HURRIED)
    assert not (tmp_path / REPO / "big.gguf").exists()
    assert hub.sent(TARGET) < len(DATA)


def test_a_hub_that_goes_away_is_waited_for(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_repo(REPO, {"big.gguf": DATA})
    hub.fault(TARGET, reset_after=PAUSED_AT, times=1)
    notes = Notes()

    def go_away(progress: Progress) -> None:
        notes.append(progress)
        refused = sum("can't be reached" in p.note for p in notes)
        away = progress.done >= PAUSED_AT and refused < 2
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9" if away else hub.endpoint)

    (place,) = download(selection(hub), go_away, root=tmp_path, patience=HURRIED)
    assert place.read_bytes() == DATA
    assert hub.sent(TARGET) == len(DATA)
    assert "can't be reached" in notes.text()
