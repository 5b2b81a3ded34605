"""Where things live: XDG folders for the user's data, `resources/` for ours."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs

APP = "q8chat"


def data_dir() -> Path:
    """Conversations and models; honours XDG_DATA_HOME. Created on first use."""
    return platformdirs.user_data_path(APP, appauthor=False, ensure_exists=True)


def config_dir() -> Path:
    """Settings; honours XDG_CONFIG_HOME. Created on first use."""
    return platformdirs.user_config_path(APP, appauthor=False, ensure_exists=True)


def cache_dir() -> Path:
    """What can be made again, e.g. headers that were read; honours XDG_CACHE_HOME. Created on first use."""
    return platformdirs.user_cache_path(APP, appauthor=False, ensure_exists=True)


def log_dir() -> Path:
    """Native logs of the engine; honours XDG_STATE_HOME. Created on first use."""
    return platformdirs.user_log_path(APP, appauthor=False, ensure_exists=True)


def models_dir() -> Path:
    """The user's own models, laid out `<publisher>/<repo>/<file>.gguf`."""
    return data_dir() / "models"


def database_path() -> Path:
    """The SQLite file that holds all conversations."""
    return data_dir() / "chat.sqlite3"


def resources_dir() -> Path:
    """Icons, style sheets, catalogues: beside the package when frozen, at the top of the clone otherwise."""
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen:
        return Path(frozen) / "resources"
    return Path(__file__).resolve().parents[3] / "resources"


def bundled_models_dir() -> Path:
    """Models that came with the application (the starter model)."""
    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen or sys.prefix) / "share" / APP / "models"
