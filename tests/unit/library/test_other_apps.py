"""Folders of other applications as these lay them out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from q8chat.core import settings
from q8chat.library import sources
from q8chat.library.details import details
from q8chat.library.scan import scan
from q8chat.library.types import LibraryModel, ScanResult
from tests.unit.library.model_files import hub_cache, ollama_model, sha256, write_model

VARIABLES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which no application is installed."""
    for name in (*VARIABLES, *(f"XDG_{kind}_HOME" for kind in ("DATA", "CONFIG", "CACHE", "STATE"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def known() -> dict[str, str]:
    """Application by path; what this machine itself may have elsewhere is left out."""
    return {k.path: k.app for k in sources.known_folders(()) if k.path.startswith(str(Path.home().parent))}


def scan_chosen(chosen: list[str]) -> ScanResult:
    return scan(sources.folders(chosen))


def models(*folders: Path) -> list[LibraryModel]:
    found = scan_chosen([str(folder) for folder in folders])
    assert found.problems == ()
    return [m for m in found.models if m.source != "Starter"]


def test_nothing_is_known_where_nothing_is() -> None:
    assert known() == {}


def test_known_folders_are_read_only_when_chosen(user: Path) -> None:
    folder = write_model(user / ".lmstudio/models/me/tiny/tiny.gguf").parents[2]
    assert scan(sources.folders(sources.chosen_folders())).models == scan(sources.folders(())).models
    assert [(k.path, k.chosen) for k in sources.known_folders(()) if k.app == "LM Studio"] == [(str(folder), False)]
    settings.save(settings.Settings(model_folders=(str(folder),)))
    assert [k.chosen for k in sources.known_folders(sources.chosen_folders()) if k.app == "LM Studio"] == [True]
    found = [m for m in scan(sources.folders(sources.chosen_folders())).models if m.source == "LM Studio"]
    assert [(m.name, m.repo, m.writable, m.folder) for m in found] == [("tiny", "me/tiny", False, str(folder))]


def test_lm_studio_elsewhere(user: Path, tmp_path: Path) -> None:
    home, downloads = tmp_path / "elsewhere", tmp_path / "disk" / "models"
    for folder in (home / "models", downloads, user / ".cache/lm-studio/models"):
        folder.mkdir(parents=True)
    (user / ".lmstudio-home-pointer").write_text(f"{home}\n")
    (home / "settings.json").write_text(json.dumps({"downloadsFolder": str(downloads), "other": 3}))
    assert list(known()) == [str(downloads), str(home / "models"), str(user / ".cache/lm-studio/models")]
    assert set(known().values()) == {"LM Studio"}


@pytest.mark.parametrize("text", ["", "{", '{"downloadsFolder": 3}', '["x"]', '{"downloadsFolder": "relative"}'])
def test_odd_settings_of_others_are_ignored(user: Path, text: str) -> None:
    (user / ".lmstudio/models").mkdir(parents=True)
    (user / ".lmstudio/settings.json").write_text(text)
    (user / ".lmstudio-home-pointer").write_bytes(b"\xff\xfe\0")
    (user / ".config/nomic.ai").mkdir(parents=True)
    (user / ".config/nomic.ai/GPT4All.ini").write_text("modelPath\n[[[")
    assert known() == {str(user / ".lmstudio/models"): "LM Studio"}


def test_hugging_face_cache(user: Path) -> None:
    from huggingface_hub import scan_cache_dir

    hub = user / ".cache/huggingface/hub"
    link = hub_cache(hub, "me/Tiny-GGUF", "Q4_0/Tiny-Q4_0.gguf", COMMIT)
    older = hub / "models--me--Tiny-GGUF/snapshots" / ("a" * 40) / "Tiny-old.gguf"
    older.parent.mkdir()
    older.symlink_to(os.path.relpath(link.resolve(), older.parent))
    (hub / "models--me--nothing/refs").mkdir(parents=True)
    (hub / "datasets--me--data/snapshots/x").mkdir(parents=True)
    (hub / "version.txt").write_text("1")
    assert any(repo.repo_id == "me/Tiny-GGUF" for repo in scan_cache_dir(hub).repos)  # as its owner sees it
    assert known() == {str(hub): "Hugging Face cache"}
    [found] = models(hub)
    assert (found.path, found.repo, found.source) == (str(link), "me/Tiny-GGUF", "Hugging Face cache")
    more = details(found.path, [found])
    assert (more.provenance.repo, more.provenance.revision) == ("me/Tiny-GGUF", COMMIT)
    assert (more.provenance.file, more.sha256) == ("Q4_0/Tiny-Q4_0.gguf", sha256(link))


def test_two_commits_with_one_shard_in_common(user: Path) -> None:
    hub = user / ".cache/huggingface/hub"
    names = [f"T-{n:05d}-of-00002.gguf" for n in (1, 2)]
    for commit, context in (("a" * 40, 512), (COMMIT, 1024)):
        hub_cache(hub, "me/T", names[0], commit, shard=(1, 2), context=context)
        hub_cache(hub, "me/T", names[1], commit, shard=(2, 2))
    found = models(hub)
    assert sorted((m.context_length, m.shards, m.problem) for m in found) == [(512, 2, ""), (1024, 2, "")]


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE"])
def test_hugging_face_cache_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    home = tmp_path / "big disk"
    hub_cache(home / "hub", "me/Tiny", "Tiny.gguf")
    monkeypatch.setenv(variable, str(home if variable == "HF_HOME" else home / "hub"))
    assert known() == {str(home / "hub"): "Hugging Face cache"}


def test_ollama(user: Path) -> None:
    store = user / ".ollama/models"
    blob = ollama_model(
        store, "registry.ollama.ai/library/gemma3/270m", "registry.ollama.ai/library/gemma3/latest", name="a"
    )
    ollama_model(store, "registry.ollama.ai/somebody/tiny/latest", name="bb")
    ollama_model(store, "hf.co/me/Tiny-GGUF/Q4_0", name="ccc")
    (store / "blobs" / "sha256-half-partial-3").write_bytes(b"GGUF")
    assert known() == {str(store): "Ollama"}
    found = models(store)
    first = next(m for m in found if m.path == str(blob))
    assert (first.name, first.source, first.writable) == ("gemma3:270m", "Ollama", False)
    more = details(first.path, found)
    assert (more.sha256, more.provenance.repo) == (sha256(blob), "gemma3:270m")
    assert {m.name: m.repo for m in found} == {
        "gemma3:270m": "",
        "hf.co/me/Tiny-GGUF:Q4_0": "me/Tiny-GGUF",
        "somebody/tiny:latest": "",
    }


def test_damaged_ollama_entries_are_problems(user: Path) -> None:
    store = user / ".ollama/models"
    ollama_model(store, "registry.ollama.ai/library/gone/1b").unlink()
    tags = store / "manifests/registry.ollama.ai/library/odd"
    tags.mkdir()
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../../etc/passwd"}
    (tags / "traversal").write_text(json.dumps({"layers": [layer]}))
    (tags / "garbage").write_bytes(b"\xff{")
    (tags / "huge").write_bytes(b" " * (2 << 20))
    (tags / "cloud").write_text(json.dumps({"layers": []}))  # runs at the maker's, has no weights
    os.mkfifo(tags / "pipe")
    result = scan_chosen([str(store)])
    assert [m.name for m in result.models if m.source == "Ollama"] == []
    assert sorted(Path(p.path).name for p in result.problems) == ["1b", "garbage", "huge", "pipe", "traversal"]


def test_gpt4all(user: Path, tmp_path: Path) -> None:
    folder = write_model(user / ".local/share/nomic.ai/GPT4All/Llama-3.2-1B-Instruct-Q4_0.gguf").parent
    elsewhere = write_model(tmp_path / "gpt 100%/tiny.gguf").parent
    (user / ".config/nomic.ai").mkdir(parents=True)
    ini = f"[General]\nchatTheme=Dark\n\n[download]\nlastVersionStarted=3.10.0\n[model]\nmodelPath={elsewhere}\n"
    (user / ".config/nomic.ai/GPT4All.ini").write_text(ini)
    assert known() == {str(folder): "GPT4All", str(elsewhere): "GPT4All"}
    assert [(m.name, m.source) for m in models(folder)] == [("Llama-3.2-1B-Instruct-Q4_0", "GPT4All")]


def test_jan(user: Path, tmp_path: Path) -> None:
    folder = user / ".local/share/Jan/data/llamacpp/models"
    write_model(folder / "Qwen3-4B-IQ4_XS" / "model.gguf")
    (folder / "Qwen3-4B-IQ4_XS" / "model.yml").write_text(
        "model_path: llamacpp/models/Qwen3-4B-IQ4_XS/model.gguf\n"
    )
    old = write_model(user / "jan/models/tiny/tiny.gguf").parents[1]
    data = tmp_path / "moved"
    (data / "llamacpp/models").mkdir(parents=True)
    (user / ".config/Jan").mkdir(parents=True)
    (user / ".config/Jan/settings.json").write_text(json.dumps({"data_folder": str(data)}))
    assert set(known()) == {str(folder), str(old), str(data / "llamacpp/models")}
    assert set(known().values()) == {"Jan"}
    assert [(m.name, m.source) for m in models(folder)] == [("Qwen3-4B-IQ4_XS", "Jan")]


def test_llama_cpp(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_model(user / ".cache/llama.cpp/ggml-org_tiny-GGUF_tiny-Q8_0.gguf").parent
    (folder / "manifest=ggml-org=tiny-GGUF=latest.json").write_text("{}")
    assert [(m.name, m.source) for m in models(folder)] == [("ggml-org_tiny-GGUF_tiny-Q8_0", "llama.cpp")]
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "other"))
    hub_cache(tmp_path / "other", "me/Tiny", "Tiny.gguf")  # as newer versions keep it
    assert known() == {str(tmp_path / "other"): "llama.cpp", str(folder): "llama.cpp"}
    assert [(m.name, m.repo, m.source) for m in models(tmp_path / "other")] == [("Tiny", "me/Tiny", "llama.cpp")]


def test_a_folder_of_the_users_has_its_path_as_source(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "my models/deep/er/tiny.gguf").parents[2]
    [found] = models(folder)
    assert (found.source, found.repo, found.writable) == (str(folder), "", False)


def test_a_folder_two_applications_share_is_told_once(user: Path) -> None:
    (user / ".lmstudio/models").mkdir(parents=True)
    (user / ".local/share/Jan/data").mkdir(parents=True)
    (user / ".local/share/Jan/data/models").symlink_to(user / ".lmstudio/models")
    assert len(known()) == 1
