"""Hugging Face checkpoints to GGUF, without torch."""
