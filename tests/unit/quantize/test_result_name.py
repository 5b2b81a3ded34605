"""What the result is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.quantize.result_name import result_path


@pytest.mark.parametrize(
    ("source", "to", "result"),
    [
        ("Base-7B-F16.gguf", "q4_k_m", "Base-7B-Q4_K_M.gguf"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q8_0", "SmolLM2-135M-Instruct.Q8_0.gguf"),
        ("model-fp16.gguf", "BF16", "model-BF16.gguf"),
        ("model.gguf", "Q4_K", "model-Q4_K_M.gguf"),
        ("big-Q8_0-00002-of-00003.gguf", "Q4_0", "big-Q4_0.gguf"),
        ("big-Q8_0-00002-of-00003.gguf", "COPY", "big-Q8_0.gguf"),
        ("mixed-f16-q8_0.gguf", "Q4_0", "mixed-f16-Q4_0.gguf"),
        ("naïve 模型.gguf", "IQ4_XS", "naïve 模型-IQ4_XS.gguf"),
    ],
)
def test_the_quantization_is_replaced(source: str, to: str, result: str) -> None:
    assert result_path(Path("/models/a") / source, to) == Path("/models/a") / result
