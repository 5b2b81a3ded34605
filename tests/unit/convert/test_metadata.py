"""Keys from files beside the weights, where the reference stumbles or people lay them out otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from q8chat.convert.planning import plan
from q8chat.gguf_files.metadata import Metadata
from tests.unit.convert import tiny
from tests.unit.convert.kit import KIT
from tests.unit.convert.recipes import CARD, COMMON, Recipe, llama_like, make
from tests.unit.convert.test_any_json import TOKENIZER


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tiny.make(tmp_path / "tiny-2.5b-chat")


def keys(folder: Path) -> Metadata:
    return plan(folder, "f16").source.metadata


def test_the_card_says_whose_the_model_is(checkpoint: Path) -> None:
    (checkpoint / "README.md").write_text(CARD)
    found = keys(checkpoint)
    assert found.get("general.license") == "llama2"
    assert found.get("general.base_model.count") == 2
    assert found.get("general.base_model.0.organization") == "Meta Llama"
    assert found.get("general.tags") == ["chat", "text-generation"]


def test_norwegian_is_a_language(checkpoint: Path) -> None:
    (checkpoint / "README.md").write_text("---\nlanguage: [en, no]\n---\n")
    assert keys(checkpoint).get("general.languages") == ["en", "no"]


@pytest.mark.parametrize("card", ["---\n: [\n---\n", "---\n- a\n---\n", "no front matter", "", "---\n\t\n"])
def test_an_unreadable_card_is_left_out(checkpoint: Path, card: str) -> None:
    (checkpoint / "README.md").write_text(card)
    assert keys(checkpoint).get("general.name") == "Tiny 2.5b Chat"


def test_the_name_comes_from_the_folder(checkpoint: Path) -> None:
    found = keys(checkpoint)
    assert found.get("general.finetune") == "2.5b-chat"  # far too large to be this model's size
    assert found.get("general.basename") == "tiny"
    assert found.get("general.size_label") == "28K"


def test_sampling_comes_from_the_generation_config(checkpoint: Path) -> None:
    settings = {"top_k": 20, "top_p": 0.5, "temperature": 0.25, "repetition_penalty": 1.5}
    tiny.write_json(checkpoint / "generation_config.json", settings)
    found = {e.key: e.value() for e in keys(checkpoint) if e.key.startswith("general.sampling.")}
    assert found == {
        "general.sampling.top_k": 20,
        "general.sampling.top_p": 0.5,
        "general.sampling.temp": 0.25,
        "general.sampling.penalty_repeat": 1.5,
    }


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_an_unsound_generation_config_is_left_out(checkpoint: Path, content: str) -> None:
    (checkpoint / "generation_config.json").write_text(content)
    assert not [e.key for e in keys(checkpoint) if e.key.startswith("general.sampling.")]


def test_a_template_in_a_file_of_its_own(checkpoint: Path) -> None:
    tiny.write_json(checkpoint / "tokenizer_config.json", {})
    (checkpoint / "chat_template.jinja").write_text("one")
    assert keys(checkpoint).get("tokenizer.chat_template") == "one"
    (checkpoint / "additional_chat_templates").mkdir()
    for name in ("b", "a"):
        (checkpoint / "additional_chat_templates" / f"{name}.jinja").write_text(f"{name}!")
    found = keys(checkpoint)
    assert found.get("tokenizer.chat_templates") == ["a", "b"]
    assert [found.get(f"tokenizer.chat_template{n}") for n in ("", ".a", ".b")] == ["one", "a!", "b!"]
    tiny.write_json(checkpoint / "tokenizer_config.json", {"chat_template": "first"})
    assert keys(checkpoint).get("tokenizer.chat_template") == "first"


def test_a_vocabulary_smaller_than_the_embedding_is_filled_up(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.model").write_bytes(tiny.sentencepiece(tiny.TOKENS - 3))
    found = keys(checkpoint)
    assert found.get("tokenizer.ggml.tokens")[-3:] == ["[PAD297]", "[PAD298]", "[PAD299]"]
    assert found.get("tokenizer.ggml.token_type")[-4:] == [1, 5, 5, 5]


def test_a_list_of_tiktoken_is_no_sentencepiece_model(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.model").write_bytes(b"IQ== 0\nIg== 1\n")
    tiny.write_json(checkpoint / "tokenizer.json", TOKENIZER)
    tiny.write_json(checkpoint / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    assert keys(checkpoint).get("tokenizer.ggml.tokens")[3] == "t3"


def test_an_output_layer_that_should_be_there_is_missed(checkpoint: Path) -> None:
    assert not plan(checkpoint, "f16").warnings
    tiny.write_json(checkpoint / "config.json", tiny.config() | {"tie_word_embeddings": False})
    assert "output layer" in plan(checkpoint, "f16").warnings[0]


def test_a_checkpoint_in_the_cache_is_called_by_its_repository(tmp_path: Path) -> None:
    folder = tmp_path / "models--org--Fine-Model-7B-chat" / "snapshots" / "0123456789abcdef"
    found = keys(tiny.make(folder))
    assert found.get("general.name") == "Fine Model 7B Chat"
    assert found.get("general.basename") == "Fine-Model"


@pytest.mark.skipif(not KIT.is_dir(), reason="the conformance kit is not beside the repository")
def test_what_transformers_5_saves_gives_the_same_model(tmp_path: Path) -> None:
    """The reference stumbles over its tokenizer_config.json."""
    config = {**COMMON, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "intermediate_size": 96}
    old = Recipe("qwen3", {**config, "head_dim": 8, "rope_theta": 1e6}, llama_like, files=TEMPLATE)
    rope = {"rope_theta": 1000000, "rope_type": "default"}
    new = Recipe(
        "qwen3",
        {
            **config,
            "head_dim": 8,
            "rope_parameters": rope,
            "dtype": "bfloat16",
            "layer_types": ["full_attention"] * 2,
        },
        llama_like,
        without=("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"),
        files={"tokenizer_config.json": json.dumps(SAVED_BY_5), "chat_template.jinja": "{{ messages }}"},
    )
    plans = [plan(make("qwen3", recipe, tmp_path / str(i)), "f16") for i, recipe in enumerate((old, new))]
    assert plans[0].source.tensors == plans[1].source.tensors
    before, after = ({e.key: e.value() for e in p.source.metadata} for p in plans)
    for found in (before, after):
        found.pop("tokenizer.ggml.add_bos_token")
    assert before == after


TEMPLATE: dict[str, str | dict[str, Any]] = {"tokenizer_config.json": {"chat_template": "{{ messages }}"}}
SAVED_BY_5 = {
    "backend": "tokenizers",
    "tokenizer_class": "Qwen2Tokenizer",
    "bos_token": None,
    "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>",
    "unk_token": None,
    "extra_special_tokens": ["<|im_start|>", "<|im_end|>"],
    "clean_up_tokenization_spaces": False,
}
