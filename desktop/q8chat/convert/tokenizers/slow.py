"""Byte-level BPE from vocab.json and merges.txt, for checkpoints without a tokenizer.json.

Facts: transformers' `convert_slow_tokenizer`.
"""

from __future__ import annotations

from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from q8chat.convert.checkpoint import Checkpoint
from q8chat.core.errors import CheckpointError

QWEN2 = "Qwen2Tokenizer"
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def build(checkpoint: Checkpoint, class_name: str, config: dict[str, Any]) -> Tokenizer:
    """The tokenizer that transformers would build. Raises CheckpointError when the files are not there."""
    vocab, merges = checkpoint.json("vocab.json"), checkpoint.text("merges.txt")
    if vocab is None or merges is None:
        raise CheckpointError(
            f"{checkpoint.path} holds no tokenizer: neither tokenizer.json nor tokenizer.model nor vocab.json "
            "with merges.txt.",
            "Download the complete repository.",
        )
    lines = merges.split("\n")
    lines = lines[1:] if lines[0].startswith("#version") else lines
    pairs = [(parts[0], parts[1]) for line in lines if len(parts := line.split()) == 2]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=pairs, fuse_unk=False))
    tokenizer.decoder = decoders.ByteLevel()
    if class_name == QWEN2:
        tokenizer.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated", invert=False)
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(config.get("add_prefix_space")))
    bos = config.get("bos_token")
    bos = bos.get("content") if isinstance(bos, dict) else bos
    if config.get("add_bos_token") and bos in vocab:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=[f"{bos}:0", "$A:0"],
            pair=[f"{bos}:0", "$A:0", f"{bos}:1", "$B:1"],
            special_tokens=[(bos, vocab[bos])],
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer
