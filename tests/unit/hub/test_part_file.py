"""Whatever happens to a part and its ledger between two runs: only what is right is trusted."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.core.errors import DownloadDamagedError
from q8chat.hub import part_names
from q8chat.hub.checksums import Wanted
from q8chat.hub.part_file import CHUNK, PartFile
from tests.unit.hub.download_driver import leftovers, noise

DATA = noise(200_000, 11)
WANTED = Wanted(size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())


def run(target: Path, pieces: list[int]) -> int:
    """One life of the part: go on in pieces of so many bytes. Returns what was trusted at its beginning."""
    with PartFile(target, WANTED) as part:
        part.recheck(lambda _: None)
        trusted = part.length
        assert part.path.read_bytes() == DATA[:trusted]
        for n in pieces:
            part.append(DATA[part.received : part.received + n])
            part.checkpoint()
    return trusted


damage = st.tuples(
    st.sampled_from(["part", "ledger"]),
    st.sampled_from(["cut", "zeros", "flip", "extend", "remove"]),
    st.floats(0, 1),
)


def hurt(target: Path, which: str, how: str, where: float) -> None:
    part = next((p for p in part_names.parts(target) if p.suffix == ".part"), None)
    file = part_names.ledger_path(part) if part and which == "ledger" else part
    if file is None or not file.exists():
        return
    data = bytearray(file.read_bytes())
    at = int(where * len(data))
    if how == "remove":
        file.unlink()
        return
    if how == "cut":
        del data[at:]
    elif how == "zeros":
        data[at:] = bytes(len(data) - at)
    elif how == "extend":
        data += bytes(at)
    elif at < len(data):
        data[at] ^= 0xFF
    file.write_bytes(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(1, 60_000), max_size=6), st.lists(damage, max_size=2)), max_size=4))
def test_no_damage_gets_into_the_file(lives: list[tuple[list[int], list[tuple[str, str, float]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.gguf"
        for pieces, wounds in lives:
            run(target, pieces)
            for wound in wounds:
                hurt(target, *wound)
        with PartFile(target, WANTED) as part:
            part.recheck(lambda _: None)
            part.append(DATA[part.length :])
            assert part.publish() == WANTED.sha256
        assert target.read_bytes() == DATA
        assert leftovers(Path(folder)) == []


def test_without_damage_everything_is_trusted(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    assert run(target, [50_000, 1, 30_000]) == 0
    assert run(target, [7]) == 80_001
    assert run(target, []) == 80_008


def test_the_part_of_another_version_is_not_taken_over(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    run(target, [50_000])
    twin = Wanted(size=len(DATA), sha256=WANTED.sha256[:12] + "0" * 52)  # the same name for its part
    with PartFile(target, twin) as part:
        part.recheck(lambda _: None)
        assert part.length == 0


def test_a_wrong_file_is_removed(tmp_path: Path) -> None:
    with PartFile(tmp_path / "model.gguf", WANTED) as part:
        part.recheck(lambda _: None)
        part.append(DATA[:-1] + b"\0")
        with pytest.raises(DownloadDamagedError):
            part.publish()
    assert list(tmp_path.iterdir()) == []


def test_little_is_written_late(tmp_path: Path) -> None:
    """What a kill can cost: less than a chunk."""
    data = noise(CHUNK * 2 + 5, 12)
    with PartFile(tmp_path / "model.gguf", Wanted(size=len(data), sha256="0" * 64)) as part:
        part.recheck(lambda _: None)
        for at in range(0, len(data), 65_536):
            part.append(data[at : at + 65_536])
            assert part.received - part.length < CHUNK
            assert part.path.stat().st_size == part.length
