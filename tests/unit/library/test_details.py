"""What is told about one model, and finding it by what somebody types."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from gguf import GGUFWriter

from q8chat.core import paths
from q8chat.core.errors import LibraryError
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.library import sources
from q8chat.library.details import details
from q8chat.library.find import find
from q8chat.library.scan import scan
from q8chat.library.types import LibraryModel, ModelDetails
from tests.unit.library.model_files import TEMPLATE, ollama_model, write_model


def rows(found: ModelDetails) -> dict[str, str]:
    return {row.label: row.value for row in found.rows}


def test_details_of_the_starter_model(starter_model: Path) -> None:
    found = details(str(starter_model))
    told = rows(found)
    assert told["Parameters"] == "134,515,008"
    assert told["Vocabulary"] == "49,152 tokens (gpt2)"
    assert (told["Layers"], told["Attention heads"], told["Key/value heads"]) == ("30", "9", "3")
    assert (told["Context length"], told["Licence"], told["Made by"]) == ("8,192", "apache-2.0", "HuggingFaceTB")
    assert told["Bits per weight"] == "5.74"
    assert "<|im_start|>" in found.template
    assert [t.name for t in found.types] == ["Q4_1", "Q8_0", "F32"]
    assert msgspec.json.decode(msgspec.json.encode(found), type=ModelDetails) == found


def test_where_it_came_from() -> None:
    path = write_model(paths.models_dir() / "me" / "tiny" / "Tiny.gguf")
    told = Provenance(repo="me/tiny", revision="c" * 40, sha256="AB" * 32, date="2026-01-02T03:04:05+00:00")
    provenance.write(path, told)
    found = details(str(path))
    assert (found.provenance, found.sha256, found.template) == (told, "ab" * 32, TEMPLATE)


def test_metadata_of_odd_types_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_array("general.license", ["a", "b"])
    writer.add_uint32("tokenizer.chat_template", 7)
    writer.add_string("general.file_type", "Q4_0")
    writer.add_string("general.base_model.count", "many")
    writer.add_string("llama.context_length", "long")
    writer.add_array("llama.attention.head_count_kv", [2, 0, 8])
    writer.add_array("general.languages", ["en", "fr"])
    writer.add_string("general.name", "x" * 5000)
    writer.add_uint16("split.count", 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    found = details(str(path))
    told = rows(found)
    assert (found.model.licence, found.template, found.model.context_length) == ("", "", 0)
    assert (told["Key/value heads"], told["Languages"]) == ("0 to 8", "en, fr")
    assert "Context length" not in told
    assert len(told["Name"]) == 300


def test_texts_without_end_are_cut(tmp_path: Path) -> None:
    endless = "x" * (2 << 20)
    found = details(str(write_model(tmp_path / "tiny.gguf", licence=endless, template=endless)))
    assert (len(found.model.licence), len(found.template)) == (100, 1 << 20)


def test_of_a_damaged_file_the_reason_and_the_size_are_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF")
    found = details(str(path))
    assert "inside its header" in found.model.problem
    assert rows(found)["Size"] == "4 B (4 bytes)"
    assert (found.template, found.types) == ("", ())


def test_files_that_are_no_models_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no model by itself"):
        details(str(write_model(tmp_path / "lora.gguf", kind="adapter")))
    for path in (tmp_path / "gone.gguf", tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(LibraryError):
            details(str(path))


@pytest.fixture
def library(tmp_path: Path) -> tuple[LibraryModel, ...]:
    own = paths.models_dir()
    write_model(own / "me" / "Tiny-GGUF" / "Tiny-Q4_0.gguf")
    write_model(own / "me" / "Tiny-GGUF" / "Tiny-Q8_0.gguf", file_type=7)
    write_model(own / "you" / "Other-GGUF" / "Other-UD-Q4_K_XL.gguf", file_type=15)
    for n in (1, 2):
        write_model(own / "me" / "Big-GGUF" / f"Big-Q4_0-0000{n}-of-00002.gguf", shard=(n, 2))
    write_model(tmp_path / "A" / "Same.gguf")
    write_model(tmp_path / "B" / "Same.gguf")
    ollama_model(tmp_path / "ollama", "registry.ollama.ai/library/gemma3/latest")
    return scan(sources.folders([str(tmp_path / name) for name in ("A", "B", "ollama")])).models


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tiny-Q4_0", "Tiny-Q4_0"),
        ("tiny-q8_0.GGUF", "Tiny-Q8_0"),
        ("me/Tiny-GGUF:Q8_0", "Tiny-Q8_0"),
        ("ME/tiny-gguf:q4_0", "Tiny-Q4_0"),
        ("me/Tiny-GGUF/Tiny-Q4_0.gguf", "Tiny-Q4_0"),
        ("you/Other-GGUF", "Other-UD-Q4_K_XL"),
        ("you/Other-GGUF:UD-Q4_K_XL", "Other-UD-Q4_K_XL"),
        ("Big-Q4_0", "Big-Q4_0"),
        ("Big-Q4_0-00002-of-00002.gguf", "Big-Q4_0"),
        ("me/Big-GGUF:Q4_0", "Big-Q4_0"),
        ("gemma3", "gemma3:latest"),
        ("gemma3:latest", "gemma3:latest"),
    ],
)
def test_models_are_found_by_many_names(library: tuple[LibraryModel, ...], text: str, name: str) -> None:
    assert find(text, library).name == name


def test_a_path_is_found_also_of_a_later_shard_and_outside_the_library(
    library: tuple[LibraryModel, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = find("Big-Q4_0", library)
    assert find(big.files[1], library) == big
    outside = write_model(tmp_path / "outside" / "Alone.gguf")
    assert find(str(outside), library).path == str(outside)
    monkeypatch.chdir(outside.parent)
    assert find("Alone.gguf", library).path == str(outside)
    assert find("./Alone.gguf").path == str(outside)


def test_several_that_match_are_named(library: tuple[LibraryModel, ...]) -> None:
    with pytest.raises(LibraryError, match="2 models") as caught:
        find("Same", library)
    assert str(caught.value).count("Same.gguf") == 2
    with pytest.raises(LibraryError, match="2 models"):
        find("me/Tiny-GGUF", library)


@pytest.mark.parametrize("text", ["", " ", "nothing", "me/Tiny-GGUF:Q2_K", "a\0b", "x" * 5000, "me/", ":Q4_0"])
def test_what_is_not_there_is_said(library: tuple[LibraryModel, ...], text: str) -> None:
    with pytest.raises(LibraryError, match="There is no model"):
        find(text, library)
