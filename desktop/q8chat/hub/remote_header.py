"""The header of a GGUF file on the hub, without fetching the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from q8chat.core.errors import HubError, ModelFileError
from q8chat.gguf_files.header import Header, parse_header
from q8chat.hub.connection import talking_to_hub
from q8chat.hub.ranges import RemoteBytes, TooMuchError, origin

MAX_HEADER = 64 << 20  # bytes; the largest vocabularies of today take 16 MiB
BUFFER = 1 << 16
AT_ONCE = 4


def read_remote_header(repo: str, path: str, revision: str = "main") -> Header:
    """One HEAD request and usually one or two for ranges. `Header.path` is the name alone, `file_size` the hub's.

    Raises ModelFileError if it is no GGUF file, claims what can't be or does not fit its size, and the errors of
    `talking_to_hub`.
    """
    name = PurePosixPath(path).name
    with talking_to_hub(repo, revision, path) as hub:
        from huggingface_hub import get_hf_file_metadata

        url = hub.file_url(repo, path, revision)
        known = get_hf_file_metadata(url, token=hub.token or False, endpoint=hub.endpoint)
        if known.size is None:
            raise HubError(f"The hub does not tell the size of {name}.", "Choose another file.")
        headers = {**hub.headers(), "Accept-Encoding": "identity"}
        if origin(known.location) != origin(hub.endpoint):
            headers.pop("authorization", None)  # the token is for the hub alone
        with RemoteBytes(known.location, headers, known.size, MAX_HEADER) as remote:
            return _parse(remote, name, known.size)


def read_remote_headers(repo: str, paths: Sequence[str], revision: str = "main") -> tuple[Header, ...]:
    """Of all shards of a model, in the order of `paths`. Give a commit, so that all are of the same one."""
    with ThreadPoolExecutor(AT_ONCE, "remote-header") as pool:
        return tuple(pool.map(lambda path: read_remote_header(repo, path, revision), paths))


def _parse(remote: RemoteBytes, name: str, size: int) -> Header:
    try:
        return parse_header(io.BufferedReader(remote, BUFFER), Path(name), size)
    except TooMuchError as e:
        raise ModelFileError(
            f"The header of {name} is larger than {MAX_HEADER >> 20} MiB.", "Choose another file of the repository."
        ) from e
    except ModelFileError as e:
        raise ModelFileError(e.message, "Choose another file of the repository.") from e
