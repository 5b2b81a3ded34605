"""The estimate against llama.cpp: what it allocates for many families of models, and what an engine takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from q8chat.core.errors import UsageError
from q8chat.gguf_files.header import Header, SkippedArray, read_header
from q8chat.runtime.footprint import N_BATCH, Footprint, estimate, is_quantized, largest_context, verdict
from q8chat.runtime.footprint_compute import graph
from q8chat.runtime.footprint_layers import layers
from q8chat.runtime.measured import known
from q8chat.runtime.measured_prediction import Predictor
from q8chat.runtime.messages import Turn
from tests.unit.runtime.engine_driver import GREEDY, Driver
from tests.unit.runtime.families import FAMILIES, transformer

ROUNDED = 16 << 10  # bytes: the log has hundredths of MiB, some of them added up
ALTERNATE = (("f16", "mmap", 1000), ("q8_0", "read", 4096))


def allocated(path: Path, n_ctx: int, kv_type: str, how: str) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.unit.runtime.allocations", str(path), str(n_ctx), kv_type, how]
    parts: dict[str, int] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return parts


@pytest.mark.parametrize(("number", "name"), list(enumerate(FAMILIES)))
def test_each_part_is_what_llama_cpp_allocates(number: int, name: str, tmp_path: Path) -> None:
    header = read_header(FAMILIES[name](tmp_path / "m.gguf"))
    kv_type, how, n_ctx = ALTERNATE[number % 2]
    real = allocated(header.path, n_ctx, kv_type, how)
    predicted = asdict(estimate(header, n_ctx, kv_type=kv_type, mmap=how == "mmap"))
    scratch = graph(header, n_ctx, N_BATCH, quantized=is_quantized(kv_type))
    assert 0.97 * real["compute"] <= scratch <= 1.09 * real["compute"]
    for part in real.keys() - {"compute"}:
        assert abs(predicted[part] - real[part]) <= ROUNDED, part


def test_an_engine_takes_what_was_predicted(engine: Driver, starter_model: Path) -> None:
    header = read_header(starter_model)
    before = Predictor(header).at(1024)
    assert before.source == "estimated"
    loaded = engine.load(starter_model, n_ctx=1024)
    assert loaded.predicted == asdict(before.footprint)
    assert abs(loaded.allocated["kv"] - before.footprint.kv) <= ROUNDED
    engine.ask([Turn("user", "the " * 900)], replace(GREEDY, max_tokens=2))
    engine.ask([Turn("user", "Hi")], replace(GREEDY, max_tokens=2))  # the first answer is noted by now
    (entry,) = known()
    assert -0.02 <= before.footprint.total / entry.full - 1 <= 0.05
    assert entry.used > 900
    after = Predictor(header).at(1024)
    assert (after.source, after.footprint.total) == ("measured", entry.full)
    assert Predictor(header).at(2048).source == "corrected"


def test_verdicts() -> None:
    need = Footprint(weights_mapped=60, kv=20, base=5)
    assert need.total == 85
    assert [verdict(need, free) for free in (100, 99, 85, 84)] == ["fits", "tight", "tight", "too big"]


@pytest.mark.parametrize(
    ("available", "limit", "longest"),
    [(10_000, 4096, 4096), (1000, 4096, 768), (300, 4096, 0), (1000, 1000, 768), (1200, 1000, 1000)],
)
def test_the_longest_context_that_fits(available: int, limit: int, longest: int) -> None:
    assert largest_context(available, limit, lambda n: 200 + n) == longest


def test_shards_are_one_model(tmp_path: Path) -> None:
    whole = read_header(transformer(tmp_path / "m.gguf", weights="Q4_0"))
    half = len(whole.tensors) // 2
    first, second = (replace(whole, tensors=t) for t in (whole.tensors[:half], whole.tensors[half:]))
    for mmap in (True, False):
        together, parts = estimate(whole, 512, mmap=mmap), estimate([first, second], 512, mmap=mmap)
        # Each file is cut down to its own stretch, so a repacked tensor at the border may fall out of both.
        assert 0 <= together.total - parts.total < max(t.n_bytes for t in whole.tensors) + 1
        assert together.repacked == parts.repacked


def test_a_vocabulary_that_was_not_read_counts(tmp_path: Path) -> None:
    header = read_header(transformer(tmp_path / "m.gguf"))
    many = {"tokenizer.ggml.tokens": SkippedArray(152_000), "tokenizer.ggml.merges": SkippedArray(151_000)}
    with_words = estimate(replace(header, metadata={**header.metadata, **many}), 512)
    assert with_words.outputs == 4 * 152_000
    assert 40 << 20 < with_words.base - estimate(header, 512).base < 55 << 20  # qwen2's takes 46 MiB, measured


def windows(header: Header) -> str:
    return "".join("w" if layer.window else "." for layer in layers(header))


def test_which_layers_have_windows(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    size: dict[str, int | float | list[int]] = {"attention.sliding_window": 512}
    assert windows(read_header(transformer(path, "gemma2"))) == "w.w.w."
    assert windows(read_header(transformer(path, "gemma3", more=size))) == "wwwww."
    assert windows(read_header(transformer(path, "gemma3"))) == "......"
    told = {**size, "attention.sliding_window_pattern": [1, 0, 0, 1, 1, 1]}
    assert windows(read_header(transformer(path, "gemma4", more=told))) == "w..www"
    assert windows(read_header(transformer(path, more=size))) == "......"  # llama ignores the key


def test_heads_can_differ_from_layer_to_layer(tmp_path: Path) -> None:
    heads = {"attention.head_count_kv": [1, 2, 4, 8, 16, 16]}
    header = read_header(transformer(tmp_path / "m.gguf", more=heads))
    assert [layer.keys // 64 for layer in layers(header)] == heads["attention.head_count_kv"]


def test_layers_that_predict_further_tokens_are_not_run(tmp_path: Path) -> None:
    header = read_header(transformer(tmp_path / "m.gguf", more={"nextn_predict_layers": 1}))
    assert len(layers(header)) == 5


def test_an_unknown_type_of_cache(tmp_path: Path) -> None:
    header = read_header(transformer(tmp_path / "m.gguf"))
    with pytest.raises(UsageError, match="There are: f16, q8_0, q4_0"):
        estimate(header, 512, kv_type="q5_0")


def test_a_header_without_sense_does_no_harm() -> None:
    empty = Header(Path("x.gguf"), 3, {"general.architecture": "gemma2"}, (), 0, 0)
    assert estimate(empty, 0).kv == 0
    odd = {"odd.block_count": 3, "odd.attention.head_count": "many", "odd.attention.head_count_kv": [None, -1]}
    assert estimate(replace(empty, metadata={"general.architecture": "odd", **odd}), 512).kv == 0
