"""The safetensors reader trusts nothing, and whatever it accepts lies inside the file."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.convert.safetensors import DTYPES, Entry, read_header
from q8chat.convert.stored import Stored
from q8chat.core.errors import CheckpointError
from tests.unit.convert import tiny

SOUND: dict[str, Any] = {
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safetensors")


def refused(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(CheckpointError) as refusal:
        read_header(file)
    assert str(file) in refusal.value.message
    return refusal.value.message


def test_a_sound_file_is_read_in_the_order_of_names(folder: Path) -> None:
    tensors = {"z": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.ones(4, np.float16)}
    tiny.write_weights(folder / "sound", tensors)
    entries = read_header(folder / "sound")
    assert [e.name for e in entries] == ["a", "z"]
    assert np.array_equal(Stored(entries[1]).all(), tensors["z"])
    assert Stored(entries[0]).all().dtype == np.float16


def test_bfloat16_is_widened_exactly(folder: Path) -> None:
    bits = np.arange(65536, dtype=np.uint16)
    tiny.write_weights(folder / "bf16", {"w": bits.reshape(256, 256)})
    read = Stored(read_header(folder / "bf16")[0]).read(10, 20)
    assert np.array_equal(read.view(np.uint32), bits.reshape(256, 256)[10:20].astype(np.uint32) << 16)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"b": {**SOUND["b"], "data_offsets": [20, 28]}}, "overlap"),
        ({"b": {**SOUND["b"], "data_offsets": [26, 34]}}, "unclaimed"),
        ({"b": {**SOUND["b"], "data_offsets": [24, 40]}}, "16 bytes long where BF16"),
        ({"b": {**SOUND["b"], "data_offsets": [32, 24]}}, "offsets"),
        ({"b": {**SOUND["b"], "dtype": "F12"}}, "'F12'"),
        ({"b": {**SOUND["b"], "shape": [-4]}}, "shape"),
        ({"b": {**SOUND["b"], "shape": [True, 4]}}, "shape"),
        ({"b": {**SOUND["b"], "shape": [1 << 62, 1 << 62]}}, "bytes long"),
        ({"b": "nothing"}, "no description"),
    ],
)
def test_what_is_wrong_with_a_tensor_is_said_by_its_name(folder: Path, change: dict[str, Any], said: str) -> None:
    message = refused(folder / "wrong", tiny.safetensors(SOUND | change, bytes(40)))
    assert said in message
    assert "b" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut short"),
        (b"\x01\x00", "cut short"),
        (struct.pack("<Q", 1000) + b"{}", "cut short"),
        (struct.pack("<Q", 2) + b"[]", "no JSON object"),
        (struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc", "no sound JSON"),
        (struct.pack("<Q", 14) + b'{"a":1,"a":2} ', "twice"),
        (tiny.safetensors(SOUND, bytes(31)), "cut short: tensor b lacks 1 B"),
        (tiny.safetensors(SOUND, bytes(33)), "after its last tensor"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "no sound JSON"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(folder: Path, content: bytes, said: str) -> None:
    assert said in refused(folder / "wrong", content)


def test_a_header_of_more_than_100_mb_is_refused_without_reading_it(folder: Path) -> None:
    file = folder / "huge"
    with file.open("wb") as f:
        f.write(struct.pack("<Q", 150_000_000))
        f.truncate(200_000_000)
    with pytest.raises(CheckpointError, match="claims a header of 143 MiB"):
        read_header(file)
    file.unlink()


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(folder: Path, content: bytes) -> None:
    (folder / "any").write_bytes(content)
    try:
        entries = read_header(folder / "any")
    except CheckpointError:
        return
    assert_inside(entries, len(content))


small = st.integers(-2, 40)
value = st.one_of(st.none(), small, st.text(max_size=3), st.lists(small, max_size=3), st.floats(0, 9))
tensor = st.fixed_dictionaries(
    {
        "dtype": st.one_of(st.sampled_from(sorted(DTYPES)), value),
        "shape": st.one_of(st.lists(small, max_size=3), value),
        "data_offsets": st.one_of(st.lists(small, min_size=2, max_size=2), value),
    }
)


@settings(max_examples=300, deadline=None)
@given(header=st.dictionaries(st.text(max_size=4), st.one_of(tensor, value), max_size=4), size=st.integers(0, 64))
def test_any_header_is_read_or_refused(folder: Path, header: dict[str, Any], size: int) -> None:
    content = tiny.safetensors(header, bytes(size))
    (folder / "any").write_bytes(content)
    try:
        entries = read_header(folder / "any")
    except CheckpointError:
        return
    assert {e.name for e in entries} == header.keys() - {"__metadata__"}
    assert_inside(entries, len(content))


def assert_inside(entries: list[Entry], size: int) -> None:
    spans = sorted((e.start, e.start + e.n_bytes) for e in entries)
    assert all(8 <= start <= end <= size for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for entry in entries:
        assert Stored(entry).all().shape == entry.shape
