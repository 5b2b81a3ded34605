"""What the window asks about models that are still on the hub, as calls of the worker."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from q8chat.core.progress import Cancel
from q8chat.gguf_files.header import Header
from q8chat.hub.remote_header import read_remote_headers
from q8chat.runtime import memory
from q8chat.runtime.memory import Fit

AT_ONCE = 4  # models whose headers are fetched at the same time; a page has twenty of them
KEPT = 64  # headers of models seen last: another context length asks nobody again

_places = threading.Semaphore(AT_ONCE)
_lock = threading.Lock()
_seen: OrderedDict[tuple[str, ...], tuple[Header, ...]] = OrderedDict()


def fit(repo: str, revision: str, files: Sequence[str], n_ctx: int, cancel: Cancel) -> Fit:
    """What a model would take here. `revision`: a commit. `files`: all its shards in order. n_ctx 0: the usual one.

    Raises ModelFileError and the errors of the hub.
    """
    return memory.fit(remote_headers(repo, revision, files, cancel), n_ctx)


def remote_headers(repo: str, revision: str, files: Sequence[str], cancel: Cancel) -> tuple[Header, ...]:
    """Of all files of a model, in order; those seen last are kept.

    Raises ModelFileError and the errors of the hub.
    """
    key = (repo, revision, *files)
    with _lock:
        if key in _seen:
            _seen.move_to_end(key)
            return _seen[key]
    while not _places.acquire(timeout=0.2):
        cancel.check()
    try:
        cancel.check()
        headers = read_remote_headers(repo, files, revision)
    finally:
        _places.release()
    with _lock:
        _seen[key] = headers
        while len(_seen) > KEPT:
            _seen.popitem(last=False)
    return headers
