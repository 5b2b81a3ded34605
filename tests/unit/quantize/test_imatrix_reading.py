"""Importance matrices of both formats, and damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.core.errors import ModelFileError, QuantizeError
from q8chat.quantize.imatrix import Imatrix, read_imatrix

NAMES = ("blk.0.attn_q.weight", "blk.0.ffn_up_exps.weight")


def write_gguf(path: Path, tensors: dict[str, np.ndarray], *, without: str = "") -> Path:
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    if without != "datasets":
        writer.add_array("imatrix.datasets", ["first.txt", "second.txt"])
    if without != "chunks":
        writer.add_uint32("imatrix.chunk_count", 12)
    writer.add_uint32("imatrix.chunk_size", 512)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def sums(n: int, *counts: float) -> tuple[np.ndarray, np.ndarray]:
    values = np.arange(1, n * len(counts) + 1, dtype=np.float32).reshape(len(counts), n)
    return values, np.array(counts, np.float32).reshape(-1, 1)


def tensors() -> dict[str, np.ndarray]:
    found = {}
    for name, (values, counts) in zip(NAMES, (sums(4, 3), sums(4, 2, 0, 5)), strict=True):
        found[name + ".in_sum2"], found[name + ".counts"] = values, counts
    return found


def test_sums_are_divided_by_counts(tmp_path: Path) -> None:
    found = read_imatrix(write_gguf(tmp_path / "m.gguf", tensors()))
    assert (found.dataset, found.n_chunks, set(found.entries)) == ("first.txt", 12, set(NAMES))
    assert found.entries[NAMES[0]].tolist() == [np.float32(n) / np.float32(3) for n in (1, 2, 3, 4)]
    # An expert that was never asked has no sums: all its columns count the same.
    assert found.entries[NAMES[1]].tolist() == [
        *(0.5, 1.0, 1.5, 2.0),
        *(1.0, 1.0, 1.0, 1.0),
        *(np.float32(n) / np.float32(5) for n in (9, 10, 11, 12)),
    ]


def dat(entries: dict[str, tuple[int, list[float]]], tail: bytes = b"") -> bytes:
    data = struct.pack("<i", len(entries))
    for name, (calls, values) in entries.items():
        data += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, len(values))
        data += struct.pack(f"<{len(values)}f", *values)
    return data + tail


def test_the_older_format(tmp_path: Path) -> None:
    path = tmp_path / "m.dat"
    tail = struct.pack("<ii", 9, 5) + b"a.txt"
    path.write_bytes(dat({"a": (4, [1.0, 2.0]), "b": (0, [3.0])}, tail))
    found = read_imatrix(path)
    assert {name: values.tolist() for name, values in found.entries.items()} == {"a": [0.25, 0.5], "b": [3.0]}
    assert (found.dataset, found.n_chunks) == ("a.txt", 9)
    path.write_bytes(dat({"a": (4, [1.0])}))
    assert (read_imatrix(path).dataset, read_imatrix(path).n_chunks) == ("", 0)


def test_entries_can_be_chosen() -> None:
    one = np.ones(1, np.float32)
    matrix = Imatrix({"blk.0.attn_q": one, "blk.0.ffn_up": one, "blk.1.attn_q": one}, "d", 3)
    assert set(matrix.only(["attn"]).entries) == {"blk.0.attn_q", "blk.1.attn_q"}
    assert set(matrix.without(["blk.0", "nothing"]).entries) == {"blk.1.attn_q"}
    assert matrix.only(["attn"]).n_chunks == 3


@pytest.mark.parametrize("without", ["datasets", "chunks"])
def test_a_model_is_no_matrix(tmp_path: Path, without: str) -> None:
    with pytest.raises(QuantizeError, match="the key imatrix"):
        read_imatrix(write_gguf(tmp_path / "m.gguf", tensors(), without=without))


def test_damaged_ones(tmp_path: Path) -> None:
    given = tensors()
    del given[NAMES[0] + ".counts"]
    with pytest.raises(QuantizeError, match=r"sums and counts of blk\.0\.attn_q\.weight do not match"):
        read_imatrix(write_gguf(tmp_path / "a.gguf", given))
    given = {name: values.astype(np.float16) for name, values in tensors().items()}
    with pytest.raises(QuantizeError, match="are not F32"):
        read_imatrix(write_gguf(tmp_path / "b.gguf", given))
    given = tensors()
    given[NAMES[1] + ".in_sum2"][2, 1] = np.nan
    with pytest.raises(QuantizeError, match=r"values for blk\.0\.ffn_up_exps\.weight that are not finite"):
        read_imatrix(write_gguf(tmp_path / "c.gguf", given))
    given = tensors()
    given[NAMES[1] + ".counts"] = np.ones((5, 1), np.float32)
    with pytest.raises(QuantizeError, match="do not match"):
        read_imatrix(write_gguf(tmp_path / "d.gguf", given))
    with pytest.raises(QuantizeError, match="has no values"):
        read_imatrix(write_gguf(tmp_path / "e.gguf", {"other": np.ones(3, np.float32)}))
    with pytest.raises(QuantizeError, match="can't be read"):
        read_imatrix(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 60), noise=st.binary(max_size=40))
def test_anything_else_is_refused_or_read(tmp_path: Path, cut: int, noise: bytes) -> None:
    path = tmp_path / "m.dat"
    path.write_bytes(dat({"a": (4, [1.0, 2.0]), "b": (2, [3.0])})[:cut] + noise)
    try:
        found = read_imatrix(path)
    except (QuantizeError, ModelFileError) as e:
        assert e.hint
    else:
        assert found.entries
