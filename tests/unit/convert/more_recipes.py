"""More checkpoints that the conformance kit lacks: the families that are not built like Llama."""

from __future__ import annotations

from typing import Any

from tests.unit.convert.recipes import Recipe, Shapes, attention, gated, llama_like, norms

SIZE: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
LONG = [1.03, 1.05, 62.01]
SHORT = [1.05, 1.1, 2.85]


def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> Shapes:
    """A weight and perhaps a bias."""
    return {f"{name}.weight": (rows, columns)} | ({f"{name}.bias": (rows,)} if bias else {})


def layer_norms(prefix: str, *names: str, width: int = 32) -> Shapes:
    """Norms with biases."""
    return {f"{prefix}{name}.{kind}": (width,) for name in names for kind in ("weight", "bias")}


def gpt2(tokens: int) -> Shapes:
    """As the original repository has it: no prefix, and masks."""
    shapes: Shapes = {"wte.weight": (tokens, 32), "wpe.weight": (64, 32)} | layer_norms("", "ln_f")
    for layer in ("h.0.", "h.1."):
        shapes |= layer_norms(layer, "ln_1", "ln_2")
        for name, rows, columns in (("attn.c_attn", 32, 96), ("attn.c_proj", 32, 32), ("mlp.c_fc", 32, 128)):
            shapes |= {f"{layer}{name}.weight": (rows, columns), f"{layer}{name}.bias": (columns,)}
        shapes |= {f"{layer}mlp.c_proj.weight": (128, 32), f"{layer}mlp.c_proj.bias": (32,)}
    return shapes


def gpt2_with_masks(tokens: int) -> Shapes:
    """As the original repository has it."""
    return gpt2(tokens) | {f"h.{i}.attn.bias": (1, 1, 64, 64) for i in range(2)}


def bloomz(tokens: int) -> Shapes:
    """With the prefix that BLOOMZ's repositories have."""
    shapes: Shapes = {"transformer.word_embeddings.weight": (tokens, 32)}
    shapes |= layer_norms("transformer.", "word_embeddings_layernorm", "ln_f")
    for layer in ("transformer.h.0.", "transformer.h.1."):
        shapes |= layer_norms(layer, "input_layernorm", "post_attention_layernorm")
        shapes |= linear(f"{layer}self_attention.query_key_value", 96, 32)
        shapes |= linear(f"{layer}self_attention.dense", 32, 32)
        shapes |= linear(f"{layer}mlp.dense_h_to_4h", 128, 32) | linear(f"{layer}mlp.dense_4h_to_h", 32, 128)
    return shapes


def neox(tokens: int) -> Shapes:
    """GPT-NeoX."""
    shapes: Shapes = {"gpt_neox.embed_in.weight": (tokens, 32), "embed_out.weight": (tokens, 32)}
    shapes |= layer_norms("gpt_neox.", "final_layer_norm")
    for layer in ("gpt_neox.layers.0.", "gpt_neox.layers.1."):
        shapes |= layer_norms(layer, "input_layernorm", "post_attention_layernorm")
        shapes |= linear(f"{layer}attention.query_key_value", 96, 32) | linear(f"{layer}attention.dense", 32, 32)
        shapes |= linear(f"{layer}mlp.dense_h_to_4h", 128, 32) | linear(f"{layer}mlp.dense_4h_to_h", 32, 128)
    return shapes


def falcon(tokens: int) -> Shapes:
    """Falcon 7B: one key and value for all heads, one norm per layer."""
    shapes: Shapes = {"transformer.word_embeddings.weight": (tokens, 32)} | layer_norms("transformer.", "ln_f")
    for layer in ("transformer.h.0.", "transformer.h.1."):
        shapes |= layer_norms(layer, "input_layernorm")
        shapes |= {
            f"{layer}self_attention.query_key_value.weight": (48, 32),
            f"{layer}self_attention.dense.weight": (32, 32),
            f"{layer}mlp.dense_h_to_4h.weight": (128, 32),
            f"{layer}mlp.dense_4h_to_h.weight": (32, 128),
        }
    return shapes


def mpt(tokens: int) -> Shapes:
    """MPT without biases."""
    shapes: Shapes = {"transformer.wte.weight": (tokens, 32), "transformer.norm_f.weight": (32,)}
    for layer in ("transformer.blocks.0.", "transformer.blocks.1."):
        shapes |= {f"{layer}norm_1.weight": (32,), f"{layer}norm_2.weight": (32,)}
        shapes |= {f"{layer}attn.Wqkv.weight": (96, 32), f"{layer}attn.out_proj.weight": (32, 32)}
        shapes |= {f"{layer}ffn.up_proj.weight": (128, 32), f"{layer}ffn.down_proj.weight": (32, 128)}
    return shapes


def stablelm(tokens: int, *, head_norms: bool, bias: bool) -> Shapes:
    """StableLM 2: biases in the 1.6B, a norm for each head and one norm per layer in the 12B."""
    shapes: Shapes = {"model.embed_tokens.weight": (tokens, 32), "lm_head.weight": (tokens, 32)}
    shapes |= layer_norms("model.", "norm")
    for i in range(2):
        layer = f"model.layers.{i}"
        shapes |= attention(f"{layer}.self_attn", 32, 32, 16, bias=bias) | gated(f"{layer}.mlp", 32, 96)
        if head_norms:
            shapes |= layer_norms(f"{layer}.", "input_layernorm")
            shapes |= norms(f"{layer}.self_attn.q_layernorm", 8, *(f"norms.{head}" for head in range(4)))
            shapes |= norms(f"{layer}.self_attn.k_layernorm", 8, *(f"norms.{head}" for head in range(2)))
        else:
            shapes |= layer_norms(f"{layer}.", "input_layernorm", "post_attention_layernorm")
    return shapes


def phi2(tokens: int) -> Shapes:
    """Biases everywhere, also in the head."""
    shapes: Shapes = {"model.embed_tokens.weight": (tokens, 32)} | linear("lm_head", tokens, 32)
    shapes |= layer_norms("model.", "final_layernorm")
    for i in range(2):
        layer = f"model.layers.{i}."
        shapes |= layer_norms(layer, "input_layernorm")
        for name in ("q_proj", "k_proj", "v_proj", "dense"):
            shapes |= linear(f"{layer}self_attn.{name}", 32, 32)
        shapes |= linear(f"{layer}mlp.fc1", 128, 32) | linear(f"{layer}mlp.fc2", 32, 128)
    return shapes


def phi3(tokens: int, *, tied: bool = False) -> Shapes:
    """Fused q/k/v and gate/up."""
    shapes: Shapes = {"model.embed_tokens.weight": (tokens, 32)} | norms("model", 32, "norm")
    shapes |= {} if tied else {"lm_head.weight": (tokens, 32)}
    for i in range(2):
        layer = f"model.layers.{i}"
        shapes |= norms(layer, 32, "input_layernorm", "post_attention_layernorm")
        shapes |= {
            f"{layer}.self_attn.qkv_proj.weight": (64, 32),
            f"{layer}.self_attn.o_proj.weight": (32, 32),
            f"{layer}.mlp.gate_up_proj.weight": (192, 32),
            f"{layer}.mlp.down_proj.weight": (32, 96),
        }
    return shapes


def cohere(tokens: int, *, head_norms: bool) -> Shapes:
    """One norm per layer; Command R+ also has norms for each head."""
    shapes: Shapes = {"model.embed_tokens.weight": (tokens, 32)} | norms("model", 32, "norm")
    for i in range(2):
        layer = f"model.layers.{i}"
        shapes |= attention(f"{layer}.self_attn", 32, 32, 16) | gated(f"{layer}.mlp", 32, 96)
        shapes |= norms(layer, 32, "input_layernorm")
        if head_norms:
            shapes |= {f"{layer}.self_attn.q_norm.weight": (4, 8), f"{layer}.self_attn.k_norm.weight": (2, 8)}
    return shapes


def config(architecture: str, model_type: str, **more: Any) -> dict[str, Any]:
    """config.json."""
    return {"architectures": [architecture], "model_type": model_type, **more}


GPT2 = config("GPT2LMHeadModel", "gpt2", n_ctx=64, n_positions=64, n_embd=32, n_head=4, n_layer=2)
FALCON = config("FalconForCausalLM", "falcon", **SIZE, multi_query=True, parallel_attn=True, bias=False)
PHI3 = config(
    "Phi3ForCausalLM",
    "phi3",
    **SIZE,
    num_key_value_heads=2,
    intermediate_size=96,
    max_position_embeddings=131072,
    original_max_position_embeddings=4096,
    sliding_window=262144,
    rope_scaling={"type": "longrope", "long_factor": [*LONG, 64.0], "short_factor": [*SHORT, 3.0]},
)
STABLELM = config("StableLmForCausalLM", "stablelm", **SIZE, num_key_value_heads=2, intermediate_size=96)
COHERE = config("CohereForCausalLM", "cohere", **SIZE, num_key_value_heads=2, intermediate_size=96)

# The same file as the reference's.
RECIPES = {
    "gpt2-slow-tokenizer": Recipe("gpt2", GPT2, gpt2, without=("tokenizer.json",)),
    "bloomz": Recipe(
        "bloom", config("BloomForCausalLM", "bloom", n_embed=32, n_head=4, n_layer=2, seq_length=2048), bloomz
    ),
    "neox": Recipe(
        "gptneox",
        config("GPTNeoXForCausalLM", "gpt_neox", **SIZE, intermediate_size=128, use_parallel_residual=False),
        neox,
        dtype="float16",
    ),
    "falcon-7b": Recipe(
        "falcon-40b",
        config("RWForCausalLM", "RefinedWebModel", hidden_size=32, n_head=4, n_layer=2, layer_norm_epsilon=1e-5),
        falcon,
    ),
    "mpt-clipped": Recipe(
        "mpt",
        config(
            "MPTForCausalLM",
            "mpt",
            d_model=32,
            n_heads=4,
            n_layers=2,
            max_seq_len=512,
            attn_config={"alibi": True, "alibi_bias_max": 8, "clip_qkv": 0.5},
        ),
        mpt,
    ),
    "stablelm-2-1.6b": Recipe(
        "olmo",
        {**STABLELM, "use_qkv_bias": True, "norm_eps": 1e-6},
        lambda tokens: stablelm(tokens, head_norms=False, bias=True),
    ),
    "phi2": Recipe("gpt2", config("PhiForCausalLM", "phi", **SIZE, intermediate_size=128), phi2, dtype="float16"),
    "phi3-128k": Recipe("phi3", PHI3, phi3),
    "phi4-mini": Recipe(
        "starcoder2",
        {
            **PHI3,
            "partial_rotary_factor": 0.75,
            "tie_word_embeddings": True,
            "sliding_window": None,
            "rope_scaling": {"type": "longrope", "long_factor": LONG, "short_factor": SHORT},
        },
        lambda tokens: phi3(tokens, tied=True),
    ),
    "command-r": Recipe(
        "olmo",
        {**COHERE, "model_max_length": 131072, "rope_theta": 8000000.0},
        lambda tokens: cohere(tokens, head_norms=False),
        dtype="float16",
    ),
    "command-r-plus": Recipe(
        "olmo", {**COHERE, "use_qk_norm": True}, lambda tokens: cohere(tokens, head_norms=True)
    ),
    "granite-3": Recipe(
        "starcoder2",
        config(
            "GraniteForCausalLM",
            "granite",
            **SIZE,
            num_key_value_heads=2,
            intermediate_size=96,
            attention_multiplier=0.015625,
            embedding_multiplier=12.0,
            residual_multiplier=0.22,
            logits_scaling=8.0,
            rope_theta=10000000.0,
            tie_word_embeddings=True,
        ),
        llama_like,
    ),
}
# Layouts that people have and the reference fails on, or writes a model that computes something else.
BEYOND_THE_REFERENCE = {
    "falcon-7b-multi-query": Recipe("falcon-40b", FALCON, falcon),
    "falcon-unusual-theta": Recipe(
        "falcon-40b", {**FALCON, "rope_theta": 500042.0, "max_position_embeddings": 8192}, falcon
    ),
    "stablelm-2-12b": Recipe(
        "olmo",
        {**STABLELM, "use_parallel_residual": True, "qk_layernorm": True, "partial_rotary_factor": 0.5},
        lambda tokens: stablelm(tokens, head_norms=True, bias=False),
        dtype="float32",
    ),
    "gpt2-with-masks": Recipe("gpt2", GPT2, gpt2_with_masks, dtype="float32"),
    "neox-unusual-theta": Recipe(
        "gptneox",
        config(
            "GPTNeoXForCausalLM", "gpt_neox", **SIZE, intermediate_size=128, rotary_emb_base=500, rotary_pct=1.0
        ),
        neox,
    ),
}
