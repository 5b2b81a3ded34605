"""The same keys and tensors as llama.cpp's own converter, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.convert.conversion import convert
from q8chat.convert.planning import plan
from q8chat.convert.registry import supported
from q8chat.convert.safetensors import read_header
from q8chat.core.progress import Cancel, CancelledError, Progress
from tests.unit.convert.kit import KIT, TYPES, assert_same, families


@pytest.mark.skipif(not KIT.is_dir(), reason="the conformance kit is not beside the repository")
@pytest.mark.parametrize("family", families())
@pytest.mark.parametrize("out_type", TYPES)
def test_a_family_is_converted_as_the_reference_does(
    family: str, out_type: str, kit_checkpoints: Path, tmp_path: Path
) -> None:
    assert_same(kit_checkpoints / family, family, out_type, tmp_path / "out.gguf")


@pytest.mark.parametrize("family", ["llama2-spm", "smollm2"])
def test_auto_takes_the_type_of_the_weights(family: str, kit_checkpoints: Path) -> None:
    weights = (e for e in read_header(kit_checkpoints / family / "model.safetensors") if len(e.shape) > 1)
    assert plan(kit_checkpoints / family, "auto").out_type == next(weights).dtype.lower()


@pytest.mark.parametrize("out_type", TYPES)
def test_smollm2_rebuilt_as_a_checkpoint(out_type: str, smollm2: Path, tmp_path: Path) -> None:
    assert_same(smollm2, smollm2.name, out_type, tmp_path / "out.gguf")


def test_a_conversion_is_continued_after_an_interruption(kit_checkpoints: Path, tmp_path: Path) -> None:
    cancel, out = Cancel(), tmp_path / "out.gguf"

    def stop_after_the_embedding(progress: Progress) -> None:
        if not progress.note.startswith("Tensor 0 "):
            cancel.set()

    with pytest.raises(CancelledError):
        convert(kit_checkpoints / "qwen2", out, "f32", stop_after_the_embedding, cancel)
    assert not out.exists()
    seen: list[Progress] = []
    convert(kit_checkpoints / "qwen2", out, "f32", seen.append)
    assert seen[0].fraction > 0.8 and "continued after" in seen[0].note, "it began anew"
    assert out.exists() and seen[-1].done == seen[-1].total


def test_every_promised_architecture_is_there() -> None:
    promised = (
        "Llama Mistral Mixtral Qwen2 Qwen2Moe Qwen3 Qwen3Moe Gemma2 Gemma3 Olmo Olmo2 SmolLM3 Phi Phi3 GPTNeoX "
        "Bloom MPT Falcon Starcoder2 StableLm Granite Cohere OPT"
    )
    assert {f"{name}ForCausalLM" for name in promised.split()} | {"GPT2LMHeadModel"} <= set(supported())
