"""Where models may be: our own folder, and folders of other applications, which are read only if chosen."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from q8chat.core import paths, settings
from q8chat.library.types import Folder, KnownFolder

OWN, STARTER = "Q8 Chat", "Starter"


def chosen_folders() -> tuple[str, ...]:
    """Those of others this user has chosen."""
    return settings.load().model_folders


def folders(chosen: Sequence[str]) -> tuple[Folder, ...]:
    """Our own folder, the starter's, and those in `chosen` (`Settings.model_folders`), in this order."""
    own = Folder(str(paths.models_dir()), OWN, writable=True)
    starter = Folder(str(paths.bundled_models_dir()), STARTER)
    apps = {str(path): app for app, path in _candidates()}  # as text: a disk that is gone must not be asked
    others = (Folder(p, apps.get(p, p)) for p in dict.fromkeys(map(os.path.normpath, chosen)))
    return own, starter, *others


def known_folders(chosen: Sequence[str]) -> tuple[KnownFolder, ...]:
    """Folders of other applications that exist here. Applications that share a folder appear once."""
    wanted = {_same(Path(p)) for p in chosen}
    found: dict[Path, KnownFolder] = {}
    for app, path in _candidates():
        with suppress(OSError):
            if path.is_dir():
                found.setdefault(_same(path), KnownFolder(str(path), app, _same(path) in wanted))
    return tuple(found.values())


def _same(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _candidates() -> Iterator[tuple[str, Path]]:
    for app, places in APPS.items():
        for place in places():
            if place.is_absolute():
                yield app, place


def _environment(name: str) -> list[Path]:
    value = os.environ.get(name, "")
    return [Path(value).expanduser()] if value else []


def _xdg(name: str, default: str) -> Path:
    return Path(os.environ.get(f"XDG_{name}_HOME") or Path.home() / default)


def _support() -> list[Path]:
    """Where applications keep their data on this system."""
    if sys.platform == "darwin":
        return [Path.home() / "Library/Application Support"]
    return [_xdg("DATA", ".local/share"), _xdg("CONFIG", ".config")]


def _text(path: Path) -> str:
    """A small file of another application, "" if there is none."""
    with suppress(OSError, UnicodeDecodeError):
        if path.is_file() and path.stat().st_size < 1 << 20:
            return path.read_text()
    return ""


def _setting(path: Path, key: str) -> list[Path]:
    """A folder that a JSON file of settings names."""
    with suppress(msgspec.MsgspecError):
        value = msgspec.json.decode(_text(path) or "{}", type=dict[str, object]).get(key)
        return [Path(value)] if isinstance(value, str) and value else []
    return []


def _hugging_face() -> list[Path]:
    # As huggingface_hub's constants have it.
    home = _environment("HF_HOME") or [_xdg("CACHE", ".cache") / "huggingface"]
    return (_environment("HF_HUB_CACHE") or _environment("HUGGINGFACE_HUB_CACHE")) or [home[0] / "hub"]


def _lm_studio() -> list[Path]:
    pointer = _text(Path.home() / ".lmstudio-home-pointer").strip()
    homes = [Path.home() / ".lmstudio", Path.home() / ".cache/lm-studio"]
    homes = [Path(pointer), *homes] if pointer else homes
    return [p for home in homes for p in (*_setting(home / "settings.json", "downloadsFolder"), home / "models")]


def _gpt4all() -> list[Path]:
    places = []
    for folder in _support():
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        with suppress(configparser.Error):
            parser.read_string(_text(folder / "nomic.ai/GPT4All.ini"))
            places += [Path(value) for section in parser.values() if (value := section.get("modelPath", ""))]
        places.append(folder / "nomic.ai/GPT4All")
    return places


def _jan() -> list[Path]:
    data = [Path.home() / "jan"]
    for folder in _support():
        data += [*_setting(folder / "Jan/settings.json", "data_folder"), folder / "Jan/data"]
    return [p for folder in data for p in (folder / "llamacpp/models", folder / "models")]


def _ollama() -> list[Path]:
    return [
        *_environment("OLLAMA_MODELS"),
        Path.home() / ".ollama/models",
        Path("/usr/share/ollama/.ollama/models"),  # its service has a user of its own
        Path("/var/lib/ollama/models"),  # of some distributions' packages
    ]


def _llama_cpp() -> list[Path]:
    if sys.platform == "darwin":
        return [*_environment("LLAMA_CACHE"), Path.home() / "Library/Caches/llama.cpp"]
    return [*_environment("LLAMA_CACHE"), _xdg("CACHE", ".cache") / "llama.cpp"]


APPS: dict[str, Callable[[], list[Path]]] = {
    "Hugging Face cache": _hugging_face,
    "LM Studio": _lm_studio,
    "GPT4All": _gpt4all,
    "Jan": _jan,
    "Ollama": _ollama,
    "llama.cpp": _llama_cpp,
}
