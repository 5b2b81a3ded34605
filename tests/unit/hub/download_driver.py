"""Starting downloads in the tests: what to fetch, in a thread, or in a process that can be killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from q8chat.core.progress import Progress
from q8chat.hub.download import download
from q8chat.hub.fetch import Patience
from q8chat.hub.part_file import CHUNK
from q8chat.hub.reader import AHEAD
from q8chat.hub.types import RemoteFile, Selection
from tests.fakes.hub_repo import is_large
from tests.fakes.hub_server import SEND_BUFFER, HubServer

REPO = "org/model-GGUF"
HURRIED = Patience(attempts=5, first=0.01, longest=0.05, stall=0.4)
# Bytes one kill can cost: since the last checkpoint, read ahead, and in the two sockets' buffers. The kernel keeps
# twice SO_SNDBUF, and what it thinks of for receiving on the loopback.
LOST_PER_KILL = CHUNK + AHEAD * (1 << 16) + 2 * SEND_BUFFER


def selection(hub: HubServer, *paths: str, repo: str = REPO, licence: str = "apache-2.0") -> Selection:
    """These files (default: all) as they are on `main` now."""
    commit = hub.repos[repo].branches["main"]
    contents = hub.repos[repo].commits[commit]
    files = tuple(
        RemoteFile(path=p, size=contents[p].size, sha256=contents[p].sha256 if is_large(p) else "")
        for p in paths or contents
    )
    size = sum(f.size for f in files)
    return Selection(repo=repo, revision=commit, label="", name="", files=files, size=size, licence=licence)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that are the same every time."""
    return random.Random(seed).randbytes(size)


class Notes(list[Progress]):
    """What was reported."""

    def text(self) -> str:
        """All notes."""
        return "\n".join(p.note for p in self)


def start(chosen: Selection, root: Path, hub: HubServer, **patience: Any) -> subprocess.Popen[bytes]:
    """The same download in a process of its own; its exit code is 0 when it is complete."""
    arguments = [msgspec.json.encode(chosen).decode(), str(root), msgspec.json.encode(patience).decode()]
    command = [sys.executable, "-m", "tests.unit.hub.download_driver", *arguments]
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def leftovers(folder: Path) -> list[str]:
    """Hidden files that are there while something is unfinished."""
    return sorted(p.name for p in folder.rglob(".*") if not p.name.endswith(".q8chat.json"))


def _main() -> None:
    chosen, root, patience = sys.argv[1:]
    settings: Mapping[str, Any] = msgspec.json.decode(patience)
    download(msgspec.json.decode(chosen, type=Selection), root=Path(root), patience=Patience(**settings))


if __name__ == "__main__":
    _main()
