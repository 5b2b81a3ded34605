"""What quantization costs: perplexity, KL divergence and tasks, as llama-perplexity and the harness count them.

`cards` and `types` are light; what measures imports numpy and llama.cpp and belongs into a process of its own.
"""
