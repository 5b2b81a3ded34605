"""What a tensor of a model is used for, by its name and shape (llama.cpp's LLM_TENSOR_INFOS in llama-arch.cpp)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from q8chat.gguf_files.header import Header, Tensor

TOKENS, OUTPUT = "token_embd.weight", "output.weight"
_TABLES = frozenset({"token_embd", "position_embd", "token_types", "per_layer_token_embd"})
# Parts of the names of tensors with several dimensions that no matrix multiplication reads.
_NOT_MULTIPLIED = (
    *("ssm_conv1d", "shortconv.conv", "ssm_a", "ssm_d.", "time_mix_first", "time_mix_lerp", "time_mix_r_k"),
    *("_norm", "attn_rel_b", ".bias", "rope_f", "_shexp_b", "exp_probs_b", "altup_correct_scale"),
)


def sides(tensor: Tensor) -> tuple[int, ...]:
    """The shape up to the last side that is not 1, as ggml counts dimensions."""
    n = len(tensor.shape)
    while n > 1 and tensor.shape[n - 1] == 1:
        n -= 1
    return tensor.shape[:n]


def is_table(tensor: Tensor) -> bool:
    """Embeddings: rows are looked up, nothing is multiplied."""
    return tensor.name.split(".")[0] in _TABLES


def is_multiplied(tensor: Tensor) -> bool:
    """A matrix, or the matrices of a layer's experts, that activations are multiplied with."""
    return (
        len(sides(tensor)) in (2, 3)
        and not is_table(tensor)
        and not any(part in tensor.name for part in _NOT_MULTIPLIED)
    )


def multiplied(headers: Sequence[Header]) -> list[Tensor]:
    """All of them; with tied embeddings the token table is also the output matrix."""
    tensors = [t for h in headers for t in h.tensors]
    found = [t for t in tensors if is_multiplied(t)]
    return found + [t for t in tensors if t.name == TOKENS and is_tied(tensors) and len(sides(t)) == 2]


def is_tied(tensors: Iterable[Tensor]) -> bool:
    """Whether the token table serves as output matrix too."""
    return all(t.name != OUTPUT for t in tensors)
