"""The tokenizers of checkpoints, as the keys `tokenizer.*` of a GGUF."""
