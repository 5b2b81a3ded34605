"""GGUF headers: real ones are read right, bad ones cost a clear message and neither time nor memory."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.core.errors import ModelFileError, NotEnoughMemoryError
from q8chat.gguf_files.header import Header, SkippedArray, read_header
from q8chat.runtime.footprint import estimate
from q8chat.runtime.memory import choose_context
from tests.unit.gguf_files.small_gguf import HEADER_BYTES, KEYS, gguf, key, strings, tensor, text


def test_the_starter_model(starter_model: Path) -> None:
    header = read_header(starter_model)
    assert (header.architecture, header.version) == ("llama", 3)
    assert header.integer("block_count") == 30
    assert header.integer("embedding_length") == 576
    assert header.integer("context_length") == 8192
    assert header.metadata["tokenizer.ggml.tokens"] == SkippedArray(49152)
    assert "<|im_start|>" in header.metadata["tokenizer.chat_template"]
    assert len(header.tensors) == 272
    assert header.tensors[0].shape == (576, 49152)
    assert header.data_offset + header.weight_bytes == header.file_size
    # 30 layers, 3 key-value heads of 64, keys and values, two bytes each
    assert estimate(header, 2048).kv - estimate(header, 1024).kv == 1024 * 30 * 3 * 64 * 2 * 2


def write(folder: Path, data: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_every_kind_of_value(tmp_path: Path, version: int) -> None:
    header = read_header(write(tmp_path, gguf(version=version)))
    m = header.metadata
    assert m["general.name"] == "Tiny é"
    assert [m[f"a.{k}"] for k in ("u8", "i8", "u16", "i16", "i32", "bool", "i64", "f64")] == [
        7,
        -1,
        65535,
        -2,
        -3,
        True,
        -4,
        0.5,
    ]
    assert m["llama.attention.head_count"] == [4, 8]
    assert header.integer("attention.head_count") == 8  # the largest of the layers
    assert m["tokenizer.ggml.tokens"] == m["tokenizer.ggml.scores"] == SkippedArray(1100)
    assert [(t.name, t.shape, t.n_bytes) for t in header.tensors] == [
        ("token_embd.weight", (64, 10), 2560),
        ("output.weight", (64, 3), 108),
    ]
    assert header.data_offset == HEADER_BYTES


def refused(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert caught.value.hint
    assert path.name in caught.value.message
    assert len(caught.value.message) < 400
    return caught.value.message


def test_cut_off_anywhere(tmp_path: Path) -> None:
    whole = gguf()
    for n in [*range(0, 200), *range(200, len(whole), 61), len(whole) - 1]:
        assert refused(write(tmp_path, whole[:n]))
    assert "cut off: it has" in refused(write(tmp_path, whole[:-1]))


def test_the_starter_model_cut_off(tmp_path: Path, starter_model: Path) -> None:
    path, head = tmp_path / "model.gguf", starter_model.read_bytes()[: 3 << 20]
    end = read_header(starter_model).data_offset
    path.write_bytes(head)
    for n in sorted([*range(end - 64, 64, -end // 40), 64, 3 << 20], reverse=True):
        os.truncate(path, n)
        message = refused(path)
        words = ("cut off",) if n >= end else (f"ends after {n:,} bytes", "claims")
        assert any(w in message for w in words)


def test_cut_off_inside_an_array_at_the_end(tmp_path: Path) -> None:
    for last in (strings(["x"] * 2000), struct.pack("<IQ", 4, 2000) + bytes(8000)):
        data = gguf([key("last", 9, last)], [], data=0)
        cut = 24 + len(key("last", 9, last)) - 5
        assert "ends after" in refused(write(tmp_path, data[:cut]))


HUGE = 2**63


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        b"GGUF",
        b"GGML" + bytes(100),
        b"FUGG" + bytes(100),
        bytes(5000),
        random.Random(3).randbytes(5000),
        gguf(version=1),
        gguf(version=4),
        gguf(version=0x03000000),  # big-endian
        gguf(n_keys=HUGE),
        gguf(n_tensors=HUGE),
        gguf(n_keys=len(KEYS) + 1),
        gguf(n_keys=len(KEYS) - 1),
        gguf(n_tensors=3),
        gguf([key("x", 13, b"")]),
        gguf([key("x", 8, struct.pack("<Q", HUGE))]),
        gguf([struct.pack("<Q", HUGE) + b"name"]),
        gguf([key("x", 9, struct.pack("<IQ", 4, HUGE))]),
        gguf([key("x", 9, struct.pack("<IQ", 8, HUGE))]),
        gguf([key("x", 9, struct.pack("<IQ", 8, 2000) + struct.pack("<Q", HUGE))]),
        gguf([key("x", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 4, 0))]),
        gguf([key("x", 9, struct.pack("<IQ", 99, 1))]),
        gguf([key("general.alignment", 4, struct.pack("<I", 0))]),
        gguf([key("general.alignment", 8, text("wide"))]),
        gguf([key("general.alignment", 10, struct.pack("<Q", HUGE))]),
        gguf(tensors=[tensor("x", (1, 1, 1, 1, 1), 0, 0)]),
        gguf(tensors=[tensor("x", (HUGE, HUGE, HUGE, HUGE), 0, 0)]),
        gguf(tensors=[tensor("x", (32,), 0, HUGE)]),
    ],
)
def test_lies_and_noise(tmp_path: Path, data: bytes) -> None:
    refused(write(tmp_path, data))


@pytest.mark.parametrize(("n_tensors", "n_keys"), [(1 << 30, 0), (0, 1 << 30), (1 << 17, 0)])
def test_large_files_of_nothing(tmp_path: Path, n_tensors: int, n_keys: int) -> None:
    """Sparse gigabytes of zeros that could all be read as empty names."""
    path = write(tmp_path, b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_keys))
    os.truncate(path, 8 << 30)
    started = time.monotonic()
    assert "claims" in refused(path)
    assert time.monotonic() - started < 1


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)
    assert "There is no file" in refused(tmp_path / "gone.gguf")
    assert "There is no file" in refused(tmp_path / "gone" / "gone.gguf")
    assert "There is no file" in refused(Path("nul\0.gguf"))
    os.mkfifo(tmp_path / "pipe.gguf")
    assert "is not a file" in refused(tmp_path / "pipe.gguf")
    assert "is not a file" in refused(Path("/dev/zero"))
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    refused(tmp_path / "loop.gguf")


def test_a_link_to_a_model(tmp_path: Path) -> None:
    (tmp_path / "link.gguf").symlink_to(write(tmp_path, gguf()))
    assert read_header(tmp_path / "link.gguf").architecture == "llama"


AS_NOBODY = """
import os, sys
from pathlib import Path
from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.header import read_header
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    read_header(Path(sys.argv[1]))
except ModelFileError as e:
    print(e)
"""


def test_no_permission() -> None:
    """In a process of its own that gives root's rights up after its imports."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = write(Path(folder), gguf())
        path.chmod(0)
        command = [sys.executable, "-c", AS_NOBODY, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "can't be read: Permission denied. Check the file's permissions." in done.stdout


MUTATION = st.one_of(
    st.tuples(st.just("byte"), st.integers(0, HEADER_BYTES - 1), st.integers(0, 255)),
    st.tuples(
        st.just("u64"), st.integers(0, HEADER_BYTES - 8), st.sampled_from([0, 1, 2**31, 2**32, 2**63, 2**64 - 1])
    ),
    st.tuples(st.just("cut"), st.integers(0, HEADER_BYTES), st.just(0)),
    st.tuples(st.just("insert"), st.integers(0, HEADER_BYTES), st.integers(0, 255)),
)


def mutated(mutations: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(gguf())
    for kind, at, value in mutations:
        if kind == "byte" and at < len(data):
            data[at] = value
        elif kind == "u64" and at + 8 <= len(data):
            struct.pack_into("<Q", data, at, value)
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = bytes([value])
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_headers(tmp_path: Path, mutations: list[tuple[str, int, int]]) -> None:
    """Never anything but our own errors, quickly; also in what is concluded from a header that still reads."""
    path = write(tmp_path, mutated(mutations))
    started = time.process_time()
    try:
        check(read_header(path))
    except (ModelFileError, NotEnoughMemoryError) as e:
        assert len(str(e)) < 1000
    assert time.process_time() - started < 1


def check(header: Header) -> None:
    for wanted in (0, 4096):
        assert choose_context(header, wanted) >= 0


@pytest.mark.parametrize("seed", range(5))
def test_mutated_headers_take_no_memory(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    tracemalloc.start()
    try:
        for _ in range(40):
            kinds = [
                ("u64", dice.randrange(HEADER_BYTES - 8), dice.choice([2**20, 2**26, 2**40])) for _ in range(3)
            ]
            path = write(tmp_path, mutated(kinds))
            tracemalloc.reset_peak()
            with contextlib.suppress(ModelFileError):
                read_header(path)
            assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))])
def test_numbers_that_are_none(tmp_path: Path, value: bytes) -> None:
    keys = [KEYS[0], key("llama.context_length", 6, value), key("llama.block_count", 6, value)]
    header = read_header(write(tmp_path, gguf(keys)))
    assert header.integer("context_length", 7) == 7
    assert choose_context(header, 0) > 0
