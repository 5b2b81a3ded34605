"""File names from outside: which ones no computer of ours should ever create."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 240  # bytes; file systems take 255, and the files beside a model have some more
MAX_PATH = 1024  # bytes of the whole path inside a repository
_FORBIDDEN = frozenset('<>:"|?*\\')  # on Windows, where `:` also means a drive or a hidden stream
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?$", re.IGNORECASE)


def name_problem(path: str) -> str:
    """Why a repository's path can't be a file's path here, as part of a sentence; "" if it can.

    The rules are those of all systems together, so that a folder of models can move to another one.
    """
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "it is an absolute path or empty"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in path):
        return "it has invisible characters"
    if len(path.encode()) > MAX_PATH:
        return f"it is longer than {MAX_PATH} bytes"
    for part in path.split("/"):
        if problem := _part_problem(part):
            return problem
    return ""


def _part_problem(part: str) -> str:
    if part in ("", ".", ".."):
        return "it leaves its folder"
    if bad := sorted(_FORBIDDEN.intersection(part)):
        return f"it has the character {bad[0]}"
    if part.endswith((" ", ".")) or part.startswith(" "):
        return "a part of it begins or ends with a space or ends with a dot"
    if _RESERVED.match(part):
        return f"{part.partition('.')[0].upper()} is a name that Windows keeps for a device"
    if len(part.encode()) > MAX_NAME:
        return f"a part of it is longer than {MAX_NAME} bytes"
    return ""
