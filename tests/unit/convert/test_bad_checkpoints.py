"""What is wrong with a checkpoint is said with file and tensor, before anything is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from q8chat.convert.conversion import convert, write
from q8chat.convert.planning import plan
from q8chat.convert.registry import supported
from q8chat.core.errors import CheckpointError, DiskFullError, OutputFileError, UsageError
from q8chat.core.progress import Progress
from q8chat.gguf_files.header import read_header
from tests.unit.convert import tiny

FIRST_SHARD = "model-00001-of-00003.safetensors"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tiny.make(tmp_path / "tiny")


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    return tiny.make_sharded(tmp_path / "sharded")


def refusal(folder: Path, out_type: str = "f16") -> CheckpointError:
    with pytest.raises(CheckpointError) as raised:
        plan(folder, out_type)
    assert raised.value.hint, "it must say what to do"
    return raised.value


def with_config(folder: Path, **changes: Any) -> Path:
    config = {k: v for k, v in {**tiny.config(), **changes}.items() if v is not ...}
    tiny.write_json(folder / "config.json", config)
    return folder


def with_weights(folder: Path, change: Callable[[tiny.Tensors], None]) -> Path:
    tensors = tiny.weights()
    change(tensors)
    tiny.write_weights(folder / "model.safetensors", tensors)
    return folder


def test_the_tiny_checkpoint_itself_is_sound(checkpoint: Path, sharded: Path, tmp_path: Path) -> None:
    made = convert(checkpoint, tmp_path / "a.gguf", "f16")
    assert not made.warnings
    assert made.size == (tmp_path / "a.gguf").stat().st_size
    convert(sharded, tmp_path / "b.gguf", "f16")
    whole, parts = (read_header(tmp_path / f"{x}.gguf") for x in "ab")
    assert {t.name: t.shape for t in whole.tensors} == {t.name: t.shape for t in parts.tensors}


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / FIRST_SHARD).unlink()
    assert FIRST_SHARD in refusal(sharded).message
    (sharded / "model.safetensors.index.json").unlink()
    assert FIRST_SHARD in refusal(sharded).message


def test_an_index_that_disagrees_with_the_files(sharded: Path) -> None:
    index = sharded / "model.safetensors.index.json"
    whole = json.loads(index.read_text())
    tiny.write_json(index, {"weight_map": whole["weight_map"] | {"model.extra.weight": FIRST_SHARD}})
    error = refusal(sharded)
    assert "model.extra.weight" in error.message and FIRST_SHARD in error.message
    fewer = {k: v for k, v in whole["weight_map"].items() if k != "model.norm.weight"}
    tiny.write_json(index, {"weight_map": fewer})
    assert "model.norm.weight" in refusal(sharded).message
    tiny.write_json(index, {"weight_map": {"a": "../model.safetensors"}})
    assert "plain file name" in refusal(sharded).message


def test_a_tensor_in_two_files(checkpoint: Path) -> None:
    tiny.write_weights(checkpoint / "model-extra.safetensors", {"model.norm.weight": np.ones(32, np.float32)})
    assert "model.norm.weight" in refusal(checkpoint).message


def test_a_truncated_shard_is_named_with_the_tensor(sharded: Path) -> None:
    file = sharded / FIRST_SHARD
    file.write_bytes(file.read_bytes()[:-5])
    message = refusal(sharded).message
    assert str(file) in message and "lacks 5 B" in message and "model." in message


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth"])
def test_pickles_are_refused_with_the_reason(checkpoint: Path, name: str) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / name)
    error = refusal(checkpoint)
    assert name in error.message and "pickle" in error.message and "safetensors" in error.hint


def test_an_unknown_class_is_named_and_the_known_are_listed(checkpoint: Path) -> None:
    error = refusal(with_config(checkpoint, architectures=["UnheardOfForCausalLM"]))
    assert "UnheardOfForCausalLM" in error.message
    assert all(name in error.hint for name in supported())


@pytest.mark.parametrize("value", [..., [], None, "LlamaForCausalLM"])
def test_a_config_without_architecture(checkpoint: Path, value: Any) -> None:
    assert "config.json" in refusal(with_config(checkpoint, architectures=value)).message


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 64},
        {"num_attention_heads": 5},
        {"num_key_value_heads": 3},
        {"head_dim": 16},
        {"intermediate_size": 80},
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": "two"},
        {"rms_norm_eps": "small"},
        {"max_position_embeddings": -1},
        {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}},
        {"rope_scaling": [1]},
        {"quantization_config": {"quant_method": "gptq"}},
    ],
    ids=str,
)
def test_a_config_that_does_not_fit_the_weights(checkpoint: Path, changes: dict[str, Any]) -> None:
    refusal(with_config(checkpoint, **changes))


def test_a_wrong_shape_is_said_with_the_tensor(checkpoint: Path) -> None:
    name = "model.layers.1.mlp.down_proj.weight"
    with_weights(checkpoint, lambda t: t.update({name: np.zeros((48, 64), np.float32)}))
    message = refusal(checkpoint).message
    assert name in message and "[48, 64]" in message


def test_a_tensor_that_has_no_place(checkpoint: Path) -> None:
    with_weights(checkpoint, lambda t: t.update({"model.surprise.weight": np.zeros(4, np.float32)}))
    assert "model.surprise.weight" in refusal(checkpoint).message


def test_no_embedding(checkpoint: Path) -> None:
    with_weights(checkpoint, lambda t: t.pop("model.embed_tokens.weight"))
    assert "token embedding" in refusal(checkpoint).message


@pytest.mark.parametrize("n", [290, 310])
def test_a_tokenizer_larger_or_smaller_than_the_embedding(checkpoint: Path, n: int) -> None:
    message = refusal(with_config(checkpoint, vocab_size=n)).message
    assert f"{n} tokens" in message and "300 rows" in message


def test_no_tokenizer(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.model").unlink()
    assert "no tokenizer" in refusal(checkpoint).message


@pytest.mark.parametrize("content", [b"", b"\x0a", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b\x01"])
def test_a_damaged_tokenizer_model(checkpoint: Path, content: bytes) -> None:
    (checkpoint / "tokenizer.model").write_bytes(content)
    assert "tokenizer.model" in refusal(checkpoint).message


def test_an_unknown_pre_tokenizer_is_named_by_its_hash(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.model").unlink()
    vocab = {chr(256 + i): i for i in range(300)}
    model = {"type": "BPE", "vocab": vocab, "merges": [], "unk_token": "\u0100"}
    tiny.write_json(
        checkpoint / "tokenizer.json",
        {"version": "1.0", "model": model, "pre_tokenizer": {"type": "Whitespace"}, "added_tokens": []},
    )
    tiny.write_json(checkpoint / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    message = refusal(checkpoint).message
    assert "hash " in message and len(message.split("hash ")[1].split(")")[0]) == 64


@pytest.mark.parametrize("content", ["{", "[]", '{"model": {"type": "Unheard"}}'])
def test_a_damaged_tokenizer_json(checkpoint: Path, content: str) -> None:
    (checkpoint / "tokenizer.model").unlink()
    (checkpoint / "tokenizer.json").write_text(content)
    assert "tokenizer.json" in refusal(checkpoint).message


def test_weights_that_are_no_numbers_stop_quantizing_and_are_said_otherwise(
    checkpoint: Path, tmp_path: Path
) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    with_weights(checkpoint, lambda t: t[name].__setitem__((3, 3), np.nan))
    with pytest.raises(CheckpointError, match=name):
        convert(checkpoint, tmp_path / "a.gguf", "q8_0")
    assert not (tmp_path / "a.gguf").exists()
    assert name in convert(checkpoint, tmp_path / "b.gguf", "f16").warnings[0]
    assert convert(checkpoint, tmp_path / "a.gguf", "q8_0", allow_flaws=True).warnings


def test_numbers_too_large_for_f16_are_said(checkpoint: Path, tmp_path: Path) -> None:
    with_weights(checkpoint, lambda t: t["model.layers.0.mlp.up_proj.weight"].__setitem__((3, 3), 1e5))
    assert "too large for F16" in convert(checkpoint, tmp_path / "a.gguf", "f16").warnings[0]
    assert not convert(checkpoint, tmp_path / "b.gguf", "bf16").warnings


def test_a_checkpoint_that_changes_while_it_is_read(checkpoint: Path, tmp_path: Path) -> None:
    def touch(_: Progress) -> None:
        os.utime(checkpoint / "model.safetensors", ns=(1, 1))

    with pytest.raises(CheckpointError, match="was changed"):
        convert(checkpoint, tmp_path / "a.gguf", "f16", touch)
    assert not (tmp_path / "a.gguf").exists()


def test_a_checkpoint_that_becomes_shorter(checkpoint: Path, tmp_path: Path) -> None:
    made = plan(checkpoint, "f32")
    os.truncate(checkpoint / "model.safetensors", 2000)
    spec = made.source.tensors[-1]
    with pytest.raises(CheckpointError, match="became shorter"):
        made.source.read(len(made.source.tensors) - 1, 0, spec.n_rows, memoryview(bytearray(spec.n_bytes)))


def test_the_result_never_replaces_a_part_of_the_source(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="part of the checkpoint"):
        write(plan(checkpoint, "f16"), checkpoint / "model.safetensors", overwrite=True)


def test_an_existing_file_stays(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_text("mine")
    with pytest.raises(OutputFileError, match="exists"):
        convert(checkpoint, tmp_path / "a.gguf", "f16")
    assert (tmp_path / "a.gguf").read_text() == "mine"


def test_a_full_disk_leaves_nothing_under_a_final_name(small_disk: Path, tmp_path: Path) -> None:
    big = tiny.make(tmp_path / "big")
    tensors = tiny.weights() | {"lm_head.weight": np.zeros((300, 32), np.float32)}
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"  # left out: it makes the source larger, not the result
    tiny.write_weights(big / "model.safetensors", tensors | {name: np.zeros(16, np.float32)})
    (small_disk / "filler").write_bytes(bytes(2 << 20 >> 1) + bytes((2 << 20 >> 1) - (64 << 10)))
    with pytest.raises(DiskFullError):
        convert(big, small_disk / "a.gguf", "f32")
    assert not list(small_disk.glob("*.gguf"))


@pytest.mark.parametrize("name", ["模型 ünïcode", "x" * 200])
def test_names_of_any_script_and_length(tmp_path: Path, name: str) -> None:
    folder = tiny.make(tmp_path / name / name)
    convert(folder, tmp_path / name / "模型.gguf", "f16")
    assert read_header(tmp_path / name / "模型.gguf").tensors


def test_an_unknown_type(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="q4_0"):
        plan(checkpoint, "q4_0")


def test_a_folder_that_is_none(tmp_path: Path, checkpoint: Path) -> None:
    assert "no folder" in refusal(tmp_path / "nowhere").message
    assert "is a file" in refusal(checkpoint / "config.json").message
    (tmp_path / "empty").mkdir()
    assert "config.json" in refusal(tmp_path / "empty").message
