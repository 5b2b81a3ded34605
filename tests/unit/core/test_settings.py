"""The settings survive restarts, and damage costs comfort only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from q8chat.core import settings
from q8chat.core.settings import MAX_RECENT, Settings


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "settings.json"
    saved = Settings("/m/a.gguf", ("/m/a.gguf", "/m/ü.gguf"), "dark", "AdnQ", (200, 700, 300))
    settings.save(saved, path)
    assert settings.load(path) == saved


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "settings.json") == Settings()
    assert list(tmp_path.iterdir()) == []


def test_settings_live_in_the_configuration_folder(home: Path) -> None:
    settings.save(Settings(appearance="dark"))
    assert json.loads((home / "config/q8chat/settings.json").read_text())["appearance"] == "dark"
    assert settings.load().appearance == "dark"


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"\xff\x00", b"[]", b'{"appearance": 3}', b'{"splitter": ["a"]}', b'{"recent_models": "a"}'],
)
def test_a_damaged_file_gives_defaults_and_is_kept(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(damaged)
    assert settings.load(path) == Settings()
    kept = list(tmp_path.glob("settings.damaged-*.json"))
    assert [f.read_bytes() for f in kept] == [damaged]
    settings.save(Settings(appearance="light"), path)
    assert settings.load(path).appearance == "light"


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for content in ("{", "["):
        path.write_text(content)
        settings.load(path)
    assert sorted(f.read_text() for f in tmp_path.glob("*.damaged-*")) == ["[", "{"]


def test_keys_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"appearance": "dark", "something new": [1]}')
    assert settings.load(path) == Settings(appearance="dark")
    assert path.exists()


def test_the_last_model_is_the_first_of_the_recent_ones() -> None:
    chosen = Settings()
    for name in ("a", "b", "a", *"cdefghij"):
        chosen = chosen.with_model(name)
    assert chosen.last_model == "j"
    assert chosen.recent_models == tuple("jihgfedc")
    assert len(chosen.recent_models) == MAX_RECENT
    assert chosen.with_model("f").recent_models[:3] == ("f", "j", "i")


def test_context_lengths_are_kept_per_model(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    chosen = Settings().with_context_length("/m/a.gguf", 4096).with_context_length("/m/b.gguf", 2048)
    settings.save(chosen, path)
    assert settings.load(path).context_lengths == {"/m/a.gguf": 4096, "/m/b.gguf": 2048}
    assert settings.load(path).with_context_length("/m/a.gguf", 0).context_lengths == {"/m/b.gguf": 2048}


@pytest.mark.parametrize("damaged", [b'{"context_lengths": [1]}', b'{"context_lengths": {"a": "b"}}'])
def test_odd_context_lengths_are_damage(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(damaged)
    assert settings.load(path) == Settings()
    assert list(tmp_path.glob("settings.damaged-*.json"))
