"""OPT on llama.cpp's GPT-2 graph, which differs from it in the activation only.

OPT has ReLU where GPT-2 has GELU; `convert/relu.py` says how weights make up for it. Its first two position rows
are never used: position 0 is row 2. q, k and v become one matrix, as GPT-2 has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

import gguf

from q8chat.convert import relu
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.relu import Scaled
from q8chat.convert.rows import Rows, Stacked, rows_of
from q8chat.convert.stored import Stored
from q8chat.convert.tokenizers import bpe, special
from q8chat.convert.tokenizers.hf import HfTokenizer
from q8chat.core.errors import CheckpointError

OPT: Defaults = {
    "vocab_size": 50272,
    "hidden_size": 768,
    "ffn_dim": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 2048,
    "word_embed_proj_dim": lambda config: config["hidden_size"],
    "activation_function": "relu",
    "do_layer_norm_before": True,
    "_remove_final_layer_norm": False,
    "enable_bias": True,
    "layer_norm_elementwise_affine": True,
    "tie_word_embeddings": True,
}
# key of config.json, the only value that GPT-2's graph can compute, what another value means
REQUIRED: tuple[tuple[str, Any, str], ...] = (
    ("do_layer_norm_before", True, "norms after its blocks instead of before them, as OPT-350m has"),
    ("_remove_final_layer_norm", False, "no norm after the last block"),
    ("activation_function", "relu", "another activation than ReLU"),
    ("enable_bias", True, "no biases"),
    ("layer_norm_elementwise_affine", True, "norms without weights"),
)
LAYER_NORM_EPS = 1e-5  # fixed in the model's code
UNUSED_POSITIONS = 2
RELU_SCALES, RESIDUAL_SCALE = "q8chat.opt.relu_scales", "q8chat.opt.residual_scale"
LAYER = {
    "self_attn_layer_norm": gguf.MODEL_TENSOR.ATTN_NORM,
    "self_attn.out_proj": gguf.MODEL_TENSOR.ATTN_OUT,
    "final_layer_norm": gguf.MODEL_TENSOR.FFN_NORM,
    "fc1": gguf.MODEL_TENSOR.FFN_UP,
    "fc2": gguf.MODEL_TENSOR.FFN_DOWN,
}
WHOLE = {
    "embed_tokens": gguf.MODEL_TENSOR.TOKEN_EMBD,
    "embed_positions": gguf.MODEL_TENSOR.POS_EMBD,
    "final_layer_norm": gguf.MODEL_TENSOR.OUTPUT_NORM,
    "lm_head": gguf.MODEL_TENSOR.OUTPUT,
}
QKV = ("q", "k", "v")
KINDS = ("weight", "bias")


@register("OPTForCausalLM")
class Opt(Family):
    arch = "gpt2"
    defaults: ClassVar[dict[str, Defaults]] = {"opt": OPT}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self._parts: dict[str, dict[str, Rows]] = {}  # qkv's GGUF name -> q, k, v -> rows
        for key, value, meaning in REQUIRED:
            if self.hp.get(key) != value:
                raise CheckpointError(
                    f"This OPT model has {meaning} ({key} in {checkpoint.path / 'config.json'} is "
                    f"{self.hp.get(key)!r}): llama.cpp has no graph for it.",
                    "OPT 125m, 1.3b, 2.7b, 6.7b and larger can be converted.",
                )
        if self.hp.get("word_embed_proj_dim") != self.hp.count("hidden_size"):
            raise CheckpointError(
                "This OPT model has embeddings of another width than its layers (project_in and project_out): "
                "llama.cpp has no graph for it.",
                "OPT 125m, 1.3b, 2.7b, 6.7b and larger can be converted.",
            )

    @cached_property
    def scales(self) -> list[int]:
        """k of every layer. Reads the first matrix of every feed-forward block once."""
        stored = {_short(name): Stored(entry) for name, entry in self.checkpoint.entries.items()}
        found = []
        for block in range(self.n_blocks):
            names = [f"layers.{block}.{part}.{kind}" for part in ("fc1", "final_layer_norm") for kind in KINDS]
            if missing := next((name for name in names if name not in stored), None):
                raise CheckpointError(
                    f"{self.checkpoint.path} lacks the tensor {missing}.",
                    "The checkpoint is incomplete: download it again.",
                )
            reach = relu.largest(*(stored[name] for name in names))
            found.append(relu.scale(reach))
            if reach * found[-1] > relu.F16_MAX:
                self.warnings.append(
                    f"Layer {block} has such large weights that its activations might leave float16's range: "
                    "prefer bf16 to f16."
                )
        return found

    @property
    def residual_scale(self) -> int:
        """What all that is added to the residual stream is multiplied by."""
        return max(self.scales)

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        keys.add_block_count(self.n_blocks)
        keys.add_context_length(hp.count("max_position_embeddings"))
        keys.add_embedding_length(hp.count("hidden_size"))
        keys.add_feed_forward_length(hp.count("ffn_dim"))
        keys.add_head_count(hp.count("num_attention_heads"))
        keys.add_layer_norm_eps(LAYER_NORM_EPS * self.residual_scale**2)
        keys.add_file_type(self.file_type)
        kind = gguf.GGUFValueType
        keys.add_key_value(RELU_SCALES, self.scales, kind.ARRAY, sub_type=kind.UINT32)
        keys.add_key_value(RESIDUAL_SCALE, self.residual_scale, kind.UINT32)

    def add_vocabulary(self, keys: Keys) -> None:
        """llama.cpp's table of hashes lacks OPT's, whose numbers differ from GPT-2's; the splitting is the same."""
        tokenizer = HfTokenizer(self.checkpoint, self.hp)
        if not _splits_like_gpt2(tokenizer):
            bpe.add(keys, self.checkpoint, self.hp)  # known by its hash, or refused with it
            return
        bpe.load(self.checkpoint, self.hp, tokenizer).add(keys, "gpt2", "gpt-2")
        special.load(self.checkpoint, merges=True).add(keys)

    def renamed(self, name: str) -> str | None:
        name = _short(name)
        return None if name == "lm_head.weight" and self.hp.get("tie_word_embeddings") else name

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        stem, _, kind = name.removeprefix(f"layers.{block}.").rpartition(".")
        if stem.removesuffix("_proj").removeprefix("self_attn.") in QKV:
            yield from self._fused(block, kind, stem[len("self_attn.")], rows)
            return
        tensor = (WHOLE if block is None else LAYER).get(stem)
        if tensor is None or kind not in KINDS:
            raise CheckpointError(
                f"Tensor {name} has no place in an OPT model.",
                "Weights and config.json do not belong together, or the model is a variant that is not supported.",
            )
        if tensor is gguf.MODEL_TENSOR.POS_EMBD:
            rows = rows_of(rows, UNUSED_POSITIONS, UNUSED_POSITIONS + self.hp.count("max_position_embeddings"))
        yield self.names.format(tensor, block, f".{kind}"), Scaled(rows, self._factor(tensor, kind, block))

    def _factor(self, tensor: gguf.MODEL_TENSOR, kind: str, block: int | None) -> float:
        """See `convert/relu.py`; the head reads what the last norm has divided by the scale again."""
        whole, kinds = self.residual_scale, gguf.MODEL_TENSOR
        own = whole if block is None else self.scales[block]
        factors = {
            kinds.OUTPUT_NORM: 1 / whole,
            kinds.ATTN_NORM: 1,
            kinds.FFN_NORM: 1,
            kinds.FFN_UP: own,
            kinds.FFN_DOWN: whole / own if kind == "weight" else whole,
        }
        return factors.get(tensor, whole)

    def _fused(self, block: int | None, kind: str, part: str, rows: Rows) -> Iterator[Named]:
        name = self.names.format(gguf.MODEL_TENSOR.ATTN_QKV, block, f".{kind}")
        parts = self._parts.setdefault(name, {})
        parts[part] = rows
        if len(parts) == len(QKV):
            del self._parts[name]
            yield name, Stacked([parts[p] for p in QKV])

    def check_complete(self) -> None:
        for name, parts in self._parts.items():
            raise CheckpointError(
                f"{self.checkpoint.path} has only {', '.join(parts)} of q, k and v for {name}.",
                "The checkpoint is incomplete: download it again.",
            )


def _splits_like_gpt2(tokenizer: HfTokenizer) -> bool:
    if (splitter := tokenizer.backend.pre_tokenizer) is None:
        return False
    state = json.loads(splitter.__getstate__())
    return (state["type"], state.get("use_regex", True)) == ("ByteLevel", True)


def _short(name: str) -> str:
    """A tensor's name without the prefixes, of which some checkpoints have one, some two and some none."""
    return name.removeprefix("model.").removeprefix("decoder.")
