"""What each layer of a model remembers of the conversation, read from the header.

Sources: llama.cpp's `load_hparams` (llama-model.cpp), `load_arch_hparams` of the families (models/*.cpp) and
llama-hparams.cpp. A family that is not in the tables is a plain transformer with attention over everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from q8chat.gguf_files.header import Header, SkippedArray

RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
# Layers without KV heads are recurrent in these.
_RECURRENT_BY_HEADS = frozenset(
    {"jamba", "granitehybrid", "plamo2", "lfm2", "lfm2moe", "kimi-linear", "kimi-k3", "bailingmoe3", "glm5-next"}
)
# In these all layers are but each n-th (`full_attention_interval`, 4 if the header does not tell).
_RECURRENT_BY_INTERVAL = frozenset({"qwen3next", "qwen35", "qwen35moe", "qwen4exp", "minimax-01"})
_NEMOTRON = frozenset({"nemotron_h", "nemotron_h_moe"})
_NO_CACHE = frozenset(
    {"bert", "jina-bert-v2", "jina-bert-v3", "nomic-bert", "nomic-bert-moe", "neo-bert", "eurobert", "modern-bert"}
) | {"gemma-embedding", "wavtokenizer-dec", "dream", "llada", "llada-moe", "rnd1"}


@dataclass(frozen=True, slots=True)
class _Window:
    """Every `period`-th layer sees everything (the first of each group with dense_first), the others `tokens`.

    tokens: of the header, `default` without, `fixed` whatever it says; `needed`: no window without the key.
    """

    period: int
    dense_first: bool = False
    default: int = 0
    fixed: int = 0


_WINDOWS: dict[str, _Window] = {
    "afmoe": _Window(4),
    "cohere2": _Window(4),
    "cohere2moe": _Window(4, dense_first=True),
    "exaone-moe": _Window(4, default=128),
    "exaone4": _Window(4, default=4096),
    "gemma2": _Window(2, default=4096),
    "gemma3": _Window(6),
    "gemma3n": _Window(5),
    "gemma4": _Window(1),  # tells each layer's in an array
    "gpt-oss": _Window(2),
    "laguna": _Window(4, dense_first=True),
    "llama4": _Window(4, default=8192, fixed=8192),
    "mellum": _Window(4),
    "olmo2": _Window(4),
    "plamo3": _Window(8),
    "smallthinker": _Window(4, dense_first=True, fixed=4096),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """Per token: `keys` and `values`, numbers in the KV cache; `window`: only of the last tokens.

    Per conversation: `state`, numbers of a recurrent layer.
    """

    keys: int = 0
    values: int = 0
    window: bool = False
    state: int = 0


def per_layer(header: Header, key: str, n: int, default: int = 0) -> list[int]:
    """`<architecture>.<key>` for each of n layers: one number for all or an array."""
    value: Any = header.metadata.get(f"{header.architecture}.{key}", default)
    if isinstance(value, SkippedArray):
        value = default
    values = value if isinstance(value, list) else [value] * n
    numbers = [max(0, int(v)) if isinstance(v, int) else default for v in values[:n]]
    return numbers + [default] * (n - len(numbers))


def window_size(header: Header) -> int:
    """Tokens that a layer with a sliding window sees; 0 if there are no such layers."""
    arch, known = header.architecture, _WINDOWS.get(header.architecture)
    told = header.metadata.get(f"{arch}.attention.sliding_window")
    if arch == "exaone4" and header.integer("block_count") != 64:
        return 0  # only the largest one has windows
    if known is None:
        pattern = header.metadata.get(f"{arch}.attention.sliding_window_pattern")
        return header.integer("attention.sliding_window") if isinstance(pattern, list) else 0
    if told == 0 or (told is None and not known.default):
        return 0
    return known.fixed or header.integer("attention.sliding_window", known.default)


def layers(header: Header) -> tuple[Layer, ...]:
    """All layers that llama.cpp runs (not those that only predict further tokens)."""
    n_all = header.integer("block_count")
    n = max(0, n_all - header.integer("nextn_predict_layers")) or n_all
    windows = _windows(header, n_all) if window_size(header) else [False] * n_all
    recurrent = _recurrent(header, n_all)
    cached = _cached(header, n_all)
    state = _state(header)
    keys, values = _widths(header, n_all, windows)
    return tuple(
        Layer(
            keys=keys[i] if cached[i] else 0,
            values=values[i] if cached[i] else 0,
            window=windows[i],
            state=state if recurrent[i] else 0,
        )
        for i in range(n)
    )


def _windows(header: Header, n: int) -> list[bool]:
    told = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(told, list):
        return [bool(v) for v in (told + [False] * n)[:n]]
    known = _WINDOWS[header.architecture]
    period = told if isinstance(told, int) and told > 0 else known.period
    full = 0 if known.dense_first else period - 1
    return [i % period != full for i in range(n)]


def _recurrent(header: Header, n: int) -> list[bool]:
    arch = header.architecture
    heads = per_layer(header, "attention.head_count_kv", n, header.integer("attention.head_count"))
    if arch in RECURRENT or arch == "falcon-h1":
        return [True] * n
    if arch in _RECURRENT_BY_HEADS:
        return [h == 0 for h in heads]
    if arch in _NEMOTRON:
        wide = per_layer(header, "feed_forward_length", n)
        return [h == 0 and w == 0 for h, w in zip(heads, wide, strict=True)]
    if arch in _RECURRENT_BY_INTERVAL:
        if f"{arch}.attention.recurrent_layers" in header.metadata:
            return [bool(v) for v in per_layer(header, "attention.recurrent_layers", n)]
        interval = header.integer("full_attention_interval", 4) or 4
        return [(i + 1) % interval != 0 for i in range(n)]
    return [False] * n


def _cached(header: Header, n: int) -> list[bool]:
    """Which layers keep keys and values of their own."""
    arch = header.architecture
    if arch in _NO_CACHE or arch in RECURRENT:
        return [False] * n
    if arch == "falcon-h1":
        return [True] * n
    own = n
    if arch == "gemma3n":
        own = 20
    elif arch == "gemma4":
        own = n - header.integer("attention.shared_kv_layers")
    return [i < own and not recurrent for i, recurrent in enumerate(_recurrent(header, n))]


def _widths(header: Header, n: int, windows: list[bool]) -> tuple[list[int], list[int]]:
    """Numbers per token in the keys and in the values of each layer."""
    heads = per_layer(header, "attention.head_count", n)
    kv_heads = per_layer(header, "attention.head_count_kv", n)
    if f"{header.architecture}.attention.head_count_kv" not in header.metadata:
        kv_heads = heads
    each = header.integer("embedding_length") // heads[0] if heads and heads[0] else 0
    key, value = header.integer("attention.key_length", each), header.integer("attention.value_length", each)
    key_window = header.integer("attention.key_length_swa", key)
    value_window = header.integer("attention.value_length_swa", value)
    # Multi-head latent attention keeps one compressed row, the values are part of it.
    latent = header.integer("attention.key_length_mla") and header.integer("attention.value_length_mla")
    # A sparse attention's indexer has keys of its own.
    index = header.integer("attention.indexer.key_length")
    keys = [h * (key_window if w else key) + index for h, w in zip(kv_heads, windows, strict=True)]
    values = [0 if latent else h * (value_window if w else value) for h, w in zip(kv_heads, windows, strict=True)]
    return keys, values


def _state(header: Header) -> int:
    """Numbers a recurrent layer keeps: llama_hparams::n_embd_r() + n_embd_s()."""
    width, heads = header.integer("embedding_length"), header.integer("attention.head_count")
    if wkv := header.integer("wkv.head_size"):
        shifts = 1 if header.architecture in ("rwkv6qwen2", "arwkv7") else 2
        return header.integer("token_shift_count", shifts) * width + width * wkv
    conv = max(0, header.integer("ssm.conv_kernel") - 1)
    if kernel := header.integer("shortconv.l_cache"):
        return width * (kernel - 1) + header.integer("ssm.state_size") * header.integer("ssm.inner_size")
    if kda := header.integer("kda.head_dim"):
        return 3 * (conv or 3) * heads * kda + kda * kda * heads
    inner, size = header.integer("ssm.inner_size"), header.integer("ssm.state_size")
    return conv * (inner + 2 * header.integer("ssm.group_count") * size) + size * inner
