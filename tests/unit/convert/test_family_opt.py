"""OPT on GPT-2's graph. That it computes the same as transformers is in test_family_logits.py."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.convert import relu
from q8chat.convert.arch.opt import RELU_SCALES, RESIDUAL_SCALE
from q8chat.convert.conversion import convert
from q8chat.convert.planning import Plan, plan
from q8chat.convert.rows import Fixed
from q8chat.core.errors import CheckpointError
from tests.unit.convert import tiny
from tests.unit.convert.logits import logits

WIDTH, INNER, POSITIONS, TOKENS = 32, 64, 16, 256
CONFIG: dict[str, Any] = {
    "architectures": ["OPTForCausalLM"],
    "model_type": "opt",
    "activation_function": "relu",
    "do_layer_norm_before": True,
    "hidden_size": WIDTH,
    "word_embed_proj_dim": WIDTH,
    "ffn_dim": INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
    "vocab_size": TOKENS,
    "bos_token_id": 2,
    "eos_token_id": 2,
    "pad_token_id": 1,
}


def make(folder: Path, *, first: float = 1.0, without: str = "", head: bool = False, **config: Any) -> Path:
    """A checkpoint with the layout of the published ones.

    `first`: the second layer's fc1 times this; `without`: a tensor left out; `head`: the embedding stored twice.
    """
    rng = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embed_tokens.weight": (TOKENS, WIDTH),
        "embed_positions.weight": (POSITIONS + 2, WIDTH),
        "final_layer_norm.weight": (WIDTH,),
        "final_layer_norm.bias": (WIDTH,),
    }
    for layer in ("layers.0.", "layers.1."):
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= {f"{layer}self_attn.{name}.weight": (WIDTH, WIDTH), f"{layer}self_attn.{name}.bias": (WIDTH,)}
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"{layer}{name}.weight": (WIDTH,), f"{layer}{name}.bias": (WIDTH,)}
        shapes |= {f"{layer}fc1.weight": (INNER, WIDTH), f"{layer}fc1.bias": (INNER,)}
        shapes |= {f"{layer}fc2.weight": (WIDTH, INNER), f"{layer}fc2.bias": (WIDTH,)}
    tensors = {f"model.decoder.{n}": rng.standard_normal(s, np.float32) / 8 for n, s in shapes.items()}
    for kind in ("weight", "bias"):
        tensors[f"model.decoder.layers.1.fc1.{kind}"] *= np.float32(first)
    tensors.pop(f"model.decoder.{without}", None)
    if head:
        tensors["lm_head.weight"] = tensors["model.decoder.embed_tokens.weight"]
    folder.mkdir(parents=True, exist_ok=True)
    tiny.write_json(folder / "config.json", {**CONFIG, **config})
    tiny.write_weights(folder / "model.safetensors", {n: t.astype(np.float16) for n, t in tensors.items()})
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *(chr(0x100 + i) for i in range(TOKENS - 5)), "\u0100\u0101"]
    tiny.write_json(folder / "vocab.json", {text: i for i, text in enumerate(vocabulary)})
    (folder / "merges.txt").write_text("#version: 0.2\n\u0100 \u0101\n", encoding="utf-8")
    tiny.write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "add_bos_token": True,
            **{f"{role}_token": "</s>" for role in ("bos", "eos", "unk")},
            "pad_token": "<pad>",
        },
    )
    return folder


def value(made: Plan, key: str) -> Any:
    """Of the planned GGUF."""
    return next(entry for entry in made.source.metadata if entry.key == key).value()


def test_the_file_is_a_gpt2_with_its_factors_said(tmp_path: Path) -> None:
    made = plan(make(tmp_path / "opt"), "f16")
    assert value(made, "general.architecture") == "gpt2"
    assert value(made, "gpt2.context_length") == POSITIONS
    assert value(made, "tokenizer.ggml.pre") == "gpt-2"
    assert value(made, "tokenizer.ggml.add_bos_token") is True
    assert list(value(made, RELU_SCALES)) == [relu.LARGEST] * 2
    assert value(made, RESIDUAL_SCALE) == relu.LARGEST
    assert value(made, "gpt2.attention.layer_norm_epsilon") == pytest.approx(1e-5 * relu.LARGEST**2)
    shapes = {spec.name: spec.shape for spec in made.source.tensors}
    assert shapes["position_embd.weight"] == (WIDTH, POSITIONS)
    assert shapes["blk.1.attn_qkv.weight"] == (WIDTH, 3 * WIDTH)
    assert "output.weight" not in shapes


def test_a_layer_with_large_weights_gets_a_smaller_factor_and_stays_finite_in_f16(tmp_path: Path) -> None:
    checkpoint = make(tmp_path / "opt", first=512.0)
    first, second = value(plan(checkpoint, "f16"), RELU_SCALES)
    assert first == relu.LARGEST
    assert relu.SMALLEST <= second < relu.LARGEST
    assert math.log2(second).is_integer()
    found = {}
    for out_type in ("f32", "f16"):
        made = convert(checkpoint, tmp_path / f"{out_type}.gguf", out_type)
        assert not made.warnings
        found[out_type] = logits(tmp_path / f"{out_type}.gguf", [2, 50, 99, 150, 201, 7])
    assert np.isfinite(found["f16"]).all()
    assert np.abs(found["f32"] - found["f16"]).max() < 0.01 * found["f32"].std()


def test_a_danger_for_f16_that_can_t_be_averted_is_said(tmp_path: Path) -> None:
    made = plan(make(tmp_path / "opt", first=20000.0), "bf16")
    assert [w for w in made.warnings if "Layer 1" in w and "bf16" in w]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"do_layer_norm_before": False}, "do_layer_norm_before"),
        ({"do_layer_norm_before": False, "word_embed_proj_dim": 16}, "350m"),
        ({"word_embed_proj_dim": 16}, "project_in"),
        ({"activation_function": "gelu"}, "activation_function"),
        ({"enable_bias": False}, "enable_bias"),
        ({"_remove_final_layer_norm": True}, "_remove_final_layer_norm"),
    ],
)
def test_variants_without_a_graph_are_refused_before_any_work(
    config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    checkpoint = make(tmp_path / "opt", **config)
    with pytest.raises(CheckpointError) as caught:
        convert(checkpoint, tmp_path / "out.gguf", "f16")
    assert said in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["opt"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("layers.1.fc1.weight", "layers.1.fc1.weight"),
        ("layers.0.self_attn.k_proj.bias", "only q, v of q, k and v for blk.0.attn_qkv.bias"),
    ],
)
def test_a_missing_tensor_is_named(missing: str, said: str, tmp_path: Path) -> None:
    checkpoint = make(tmp_path / "opt", without=missing)
    with pytest.raises(CheckpointError) as caught:
        plan(checkpoint, "f16")
    assert said in str(caught.value)


def test_an_untied_head_is_scaled_as_the_embedding_is(tmp_path: Path) -> None:
    """The same numbers under both names must give the same logits."""
    kept = make(tmp_path / "untied", head=True, tie_word_embeddings=False)
    dropped = make(tmp_path / "tied", head=True)
    found = []
    for checkpoint in (kept, dropped):
        out = tmp_path / f"{checkpoint.name}.gguf"
        convert(checkpoint, out, "f32")
        found.append(logits(out, [2, 50, 99]))
    assert np.array_equal(found[0], found[1])
    assert (tmp_path / "untied.gguf").stat().st_size > (tmp_path / "tied.gguf").stat().st_size


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0.01, 1000), st.floats(0.01, 100))
def test_no_input_goes_beyond_what_was_reckoned_with(seed: int, width: int, size: float, gain: float) -> None:
    rng = np.random.default_rng(seed)
    weight, norm = rng.standard_normal((8, width)) * size, rng.standard_normal(width) * gain
    bias, shift = rng.standard_normal(8) * size, rng.standard_normal(width) * gain
    arrays = (weight, bias, norm, shift)
    reach = relu.largest(*(Fixed(a.astype(np.float32)) for a in arrays))
    inputs = rng.standard_normal((200, width))
    inputs[0] = weight[0] * norm  # the direction in which the first row answers most
    centred = inputs - inputs.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
    results = (normed * norm + shift) @ weight.T + bias
    assert results.max() <= reach * 1.001
    k = relu.scale(reach)
    assert math.log2(k).is_integer() and relu.SMALLEST <= k <= relu.LARGEST
    assert k == relu.SMALLEST or k * reach <= relu.F16_MAX


@given(st.floats(-100, 100), st.sampled_from([16, 256, 1024]))
def test_gelu_comes_as_close_to_relu_as_is_claimed(x: float, k: int) -> None:
    scaled = k * x
    gelu = 0.5 * scaled * (1 + math.tanh(math.sqrt(2 / math.pi) * (scaled + 0.044715 * scaled**3)))
    assert abs(gelu / k - max(x, 0.0)) <= 0.1701 / k
