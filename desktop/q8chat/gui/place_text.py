"""Folders and files as they are shown to people; what is copied or opened is always the real path. No widgets."""

from __future__ import annotations

import re
from pathlib import Path

from q8chat.core import paths

OURS = "comes with Q8 Chat"


def place(path: str) -> str:
    """Below the user's own folder it begins with ~; what came with the application is in no folder of the user's.

    Any other text stays as it is.
    """
    if Path(path).is_relative_to(paths.bundled_models_dir()):
        return OURS
    return in_words(path)


def in_words(text: str) -> str:
    """A sentence in which the user's own folder is written as ~ wherever it is named."""
    home = str(Path.home())
    if home == Path(home).anchor:  # of an account without a folder of its own
        return text
    return re.sub(rf"(?<![\w.~/\\-]){re.escape(home)}(?=[/\\\s,;:.!?'\"”)]|$)(?!\.\w)", "~", text)
