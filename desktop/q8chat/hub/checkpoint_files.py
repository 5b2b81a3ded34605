"""Which files of a repository a conversion needs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from q8chat.hub.types import RemoteFile

_WEIGHTS = re.compile(r"^[^/]*\.safetensors$")
_OTHERS = re.compile(
    r"^([^/]*config\.json|[^/]*tokenizer[^/]*\.(json|model)|[^/]*\.tiktoken|special_tokens_map\.json|added_tokens\.json"
    r"|vocab\.(json|txt)|merges\.txt|chat_template\.(json|jinja)|[^/]*\.safetensors\.index\.json|LICEN[CS]E[^/]*)$"
)


def checkpoint_files(files: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Safetensors weights with what belongs to them, from the top folder; () if this is no convertible checkpoint.

    Adapters and pickled weights are none. Some publishers offer all weights twice, then as "consolidated" too.
    """
    names = {f.path for f in files}
    weights = [f for f in files if _WEIGHTS.match(f.path) and not f.path.startswith("adapter")]
    normal = [f for f in weights if not f.path.startswith("consolidated")]
    if "config.json" not in names or not weights:
        return ()
    chosen = [*(normal or weights), *(f for f in files if _OTHERS.match(f.path))]
    return () if any(f.problem for f in chosen) else tuple(sorted(chosen, key=lambda f: f.path))
