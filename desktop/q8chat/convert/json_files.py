"""Text and JSON files of a checkpoint; what is wrong with them is said with the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from q8chat.core.errors import CheckpointError


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises CheckpointError."""
    try:
        value = json.loads(read_text(file))
    except (ValueError, RecursionError) as e:
        raise CheckpointError(f"{file} is no sound JSON: {e}.", "Download the file again.") from e
    if not isinstance(value, dict):
        raise CheckpointError(f"{file} does not hold a JSON object.", "Download the file again.")
    return value


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise CheckpointError(f"{file} can't be read: {e}.", "Download the file again.") from e
