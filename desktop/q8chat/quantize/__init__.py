"""Requantizing: which tensor gets which type, and the bytes, exactly as llama.cpp's llama-quantize makes them."""
