"""Does it fit? Said before anything is loaded, with both numbers."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import psutil
import pytest

from q8chat.core.errors import NotEnoughMemoryError
from q8chat.core.units import size
from q8chat.gguf_files.header import read_header
from q8chat.hardware.memory import read_memory
from q8chat.runtime.memory import DEFAULT_CTX, choose_context, resident_bytes
from q8chat.runtime.messages import Failed, Load
from tests.unit.gguf_files.small_gguf import gguf, key, tensor, text
from tests.unit.runtime.engine_driver import Driver

TIB = 1 << 40


def model(path: Path, *, weights: int = 1 << 20, trained: int = 4096, layers: int = 32, wide: int = 4096) -> Path:
    """A sparse file with a header of a llama and `weights` bytes of nothing."""

    def number(name: str, value: int) -> bytes:
        return key(name, 4, struct.pack("<I", value))

    keys = [
        key("general.architecture", 8, text("llama")),
        number("llama.context_length", trained),
        number("llama.block_count", layers),
        number("llama.embedding_length", wide),
        number("llama.attention.head_count", 32),
    ]
    path.write_bytes(gguf(keys, [tensor("token_embd.weight", (weights,), 24, 0)], data=0))
    os.truncate(path, path.stat().st_size + weights)
    return path


def test_the_models_own_context(tmp_path: Path) -> None:
    small = read_header(model(tmp_path / "m.gguf", trained=2048, layers=1, wide=64))
    assert choose_context(small, 0) == 2048
    assert choose_context(small, 777) == 777


def test_a_long_context_is_not_used_unasked(tmp_path: Path) -> None:
    header = read_header(model(tmp_path / "m.gguf", trained=1 << 17, layers=1, wide=64))
    assert choose_context(header, 0) == DEFAULT_CTX
    assert choose_context(header, 1 << 16) == 1 << 16


def test_a_context_that_memory_does_not_allow_is_shortened(tmp_path: Path) -> None:
    layers = read_memory().available // (4096 * 4096 * 4) + 1  # so that 4,096 tokens take all there is
    header = read_header(model(tmp_path / "m.gguf", layers=layers))
    assert 512 <= choose_context(header, 0) < 4096


def test_a_context_that_was_asked_for_is_not_shortened_but_refused(tmp_path: Path) -> None:
    header = read_header(model(tmp_path / "m.gguf"))
    with pytest.raises(NotEnoughMemoryError, match="a context of 100,000,000 tokens"):
        choose_context(header, 100_000_000)


def test_a_model_larger_than_memory_names_both_numbers(engine: Driver, tmp_path: Path) -> None:
    path = model(tmp_path / "huge.gguf", weights=TIB)
    with pytest.raises(NotEnoughMemoryError) as caught:
        choose_context(read_header(path), 0)
    assert "huge.gguf needs 1.0 TiB of memory" in caught.value.message
    assert "are available" in caught.value.message
    assert size(psutil.virtual_memory().available).split()[1] in caught.value.message
    engine.client.send(Load(str(path)))
    failed = engine.wait(Failed)
    assert (failed.id, failed.code) == (None, "memory")
    assert "1.0 TiB" in failed.message


def test_resident_bytes() -> None:
    before = resident_bytes()
    block = os.urandom(64 << 20)
    assert resident_bytes() - before > len(block) * 3 // 4
