"""Names as they are met in repositories and folders of other applications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.gguf_files import naming


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("gemma-3-270m-it-Q4_K_M.gguf", "Q4_K_M"),
        ("Qwen3-8B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Qwen2.5-Coder-7B.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("qwen2-0_5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("ggml-model-q8_0.gguf", "Q8_0"),
        ("ggml-model-f16.gguf", "F16"),
        ("Llama-3-8B-fp16.gguf", "F16"),
        ("Meta-Llama-3.1-8B-Instruct-f32.gguf", "F32"),
        ("Phi-3-mini-4k-instruct-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("gpt-oss-20b-mxfp4_moe.gguf", "MXFP4_MOE"),
        ("model-TQ1_0.gguf", "TQ1_0"),
        ("model-Q6_K.gguf", "Q6_K"),
        ("model-Q6_K_L.gguf", "Q6_K_L"),
        ("model-Q3_K_XL.gguf", "Q3_K_XL"),
        ("model-IQ4_NL.gguf", "IQ4_NL"),
        ("model-IQ1_M.gguf", "IQ1_M"),
        ("model-IQ2_XS.gguf", "IQ2_XS"),
        ("model-IQ4_KS_R4.gguf", "IQ4_KS_R4"),
        ("Q8-Chat-Guide.gguf", ""),
        ("model.gguf", ""),
        ("BF16/model-00001-of-00002.gguf", "BF16"),
        ("Q2_K/model-BF16-00001-of-00002.gguf", "BF16"),
        ("Requantized-BF16-to-Q4_0.gguf", "Q4_0"),
        ("Q4_K_M/deeper/model.gguf", ""),
    ],
)
def test_quantization_is_told_by_the_name(name: str, label: str) -> None:
    assert naming.quant_label(name) == label


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/Base-Q4_0-00002-of-00003.gguf", ("a/Base-Q4_0", 2, 3)),
        ("BASE-00001-OF-00001.GGUF", ("BASE", 1, 1)),
        ("Base.gguf", None),
        ("Base-00000-of-00003.gguf", None),
        ("Base-00004-of-00003.gguf", None),
        ("Base-1-of-3.gguf", None),
        ("-00001-of-00002.gguf", None),
        ("Base-00001-of-00002.gguf.part", None),
        ("Base-٠٠٠٠١-of-00002.gguf", None),
    ],
)
def test_shards_are_recognised(name: str, expected: tuple[str, int, int] | None) -> None:
    assert naming.shard(name) == expected


@given(st.text(min_size=1), st.integers(1, 99999), st.data())
def test_shard_names_come_back(base: str, count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(1, count))
    assert naming.shard(naming.shard_name(base, index, count)) == (base, index, count)


@given(st.text())
def test_no_name_is_too_odd(name: str) -> None:
    assert naming.quant_label(name) == naming.quant_label(name).upper()
    naming.is_projector(name), naming.is_imatrix(name), naming.stem(name)


def test_files_that_are_not_models() -> None:
    assert naming.is_projector("mmproj-model-f16.gguf")
    assert naming.is_projector("repo/gemma-3-4b-it.mmproj-Q8_0.gguf")
    assert not naming.is_projector("mmproj/model-f16.gguf")
    assert naming.is_imatrix("imatrix.gguf")
    assert naming.is_imatrix("BF16/Qwen3-8B.imatrix.gguf")
    assert not naming.is_imatrix("Qwen3-8B-imatrix-Q4_K_M.gguf")


def test_stem_is_common_to_all_shards() -> None:
    assert (
        naming.stem("x/Base-Q8_0-00001-of-00002.gguf")
        == naming.stem("Base-Q8_0-00002-of-00002.gguf")
        == "Base-Q8_0"
    )
    assert naming.stem("Base.Q8_0.GGUF") == "Base.Q8_0"
    assert naming.stem("sha256-abc") == "sha256-abc"
