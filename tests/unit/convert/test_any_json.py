"""Whatever stands in a checkpoint's JSON files: it is converted, or refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.convert.planning import plan
from q8chat.core.errors import CheckpointError
from tests.unit.convert import tiny

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONFIG_KEYS = (
    *tiny.config(),
    *("head_dim", "rope_scaling", "rope_parameters", "rope_theta", "text_config", "architectures", "bos_token_id"),
    *("num_local_experts", "num_experts_per_tok", "quantization_config", "is_causal", "_name_or_path"),
)
TOKENIZER_CONFIG = {
    "tokenizer_class": "LlamaTokenizer",
    "bos_token": {"content": "<s>"},
    "eos_token": "</s>",
    "added_tokens_decoder": {"1": {"content": "<s>", "special": True}},
    "chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "y"}],
    "add_bos_token": True,
    "add_prefix_space": False,
    "additional_special_tokens": ["<extra>"],
    "clean_up_tokenization_spaces": False,
}
TOKENIZER = {
    "version": "1.0",
    "added_tokens": [{"id": 299, "content": "<extra>", "special": True, "normalized": False, "lstrip": False,
                      "rstrip": False, "single_word": False}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]},
    "pre_tokenizer": None,
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
    },
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}]},
    "model": {"type": "BPE", "byte_fallback": True, "unk_token": "<unk>", "merges": [],
              "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"t{i}": i for i in range(3, 299)}},
}  # fmt: skip
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def spm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("any") / "spm")


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.make(tmp_path_factory.mktemp("any") / "fast")
    (folder / "tokenizer.model").unlink()
    tiny.write_json(folder / "tokenizer.json", TOKENIZER)
    tiny.write_json(folder / "tokenizer_config.json", TOKENIZER_CONFIG)
    return folder


def planned_or_refused(folder: Path) -> None:
    try:
        made = plan(folder, "f16")
    except CheckpointError as e:
        assert len(e.message) > 20 and e.hint
    else:
        assert made.size > 0


def changed(value: Any, path: list[int], leaf: Any) -> Any:
    """`value` with what lies at `path` (numbers, taken modulo what is there) replaced by `leaf`."""
    if not path or not isinstance(value, dict | list) or not value:
        return leaf
    if isinstance(value, list):
        i = path[0] % len(value)
        return [*value[:i], changed(value[i], path[1:], leaf), *value[i + 1 :]]
    key = sorted(value)[path[0] % len(value)]
    return value | {key: changed(value[key], path[1:], leaf)}


def test_the_checkpoint_with_only_tokenizer_json_is_sound(fast: Path) -> None:
    assert plan(fast, "f16").size > 0


@QUICK
@given(key=st.sampled_from(CONFIG_KEYS), value=ANYTHING)
def test_any_config(spm: Path, key: str, value: Any) -> None:
    tiny.write_json(spm / "config.json", tiny.config() | {key: value})
    planned_or_refused(spm)


@QUICK
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=4), leaf=ANYTHING)
def test_any_tokenizer_config(fast: Path, path: list[int], leaf: Any) -> None:
    tiny.write_json(fast / "tokenizer_config.json", changed(TOKENIZER_CONFIG, path, leaf))
    planned_or_refused(fast)
    tiny.write_json(fast / "tokenizer_config.json", TOKENIZER_CONFIG)


@QUICK
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=5), leaf=ANYTHING)
def test_any_tokenizer(fast: Path, path: list[int], leaf: Any) -> None:
    tiny.write_json(fast / "tokenizer.json", changed(TOKENIZER, path, leaf))
    planned_or_refused(fast)
    tiny.write_json(fast / "tokenizer.json", TOKENIZER)


@QUICK
@given(generation=ANYTHING, card=st.text(max_size=60), added=ANYTHING)
def test_any_other_file(spm: Path, generation: Any, card: str, added: Any) -> None:
    tiny.write_json(spm / "config.json", tiny.config())
    tiny.write_json(spm / "generation_config.json", {"top_k": generation, "temperature": generation})
    (spm / "README.md").write_text(f"---\n{card}\n---\n", encoding="utf-8", errors="replace")
    tiny.write_json(spm / "added_tokens.json", {"<a>": added})
    planned_or_refused(spm)


def test_json_of_any_depth(spm: Path) -> None:
    (spm / "config.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        plan(spm, "f16")
    (spm / "config.json").write_text(json.dumps(tiny.config()))
