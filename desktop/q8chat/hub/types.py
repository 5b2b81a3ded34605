"""What the hub tells about repositories and their files. All of it can cross a pipe as JSON (msgspec)."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["gguf", "checkpoint", "any"]
Sort = Literal["downloads", "likes", "updated", "trending"]


class RepoHit(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a search. What the hub does not tell is empty or 0.

    `updated`: ISO 8601, UTC. `gated`: "", "auto" or "manual" (somebody looks at each request).
    `kind`: "gguf", or "checkpoint" (safetensors weights). `parameters`: number of weights.
    """

    repo: str
    kind: Kind
    downloads: int = 0
    likes: int = 0
    updated: str = ""
    gated: str = ""
    private: bool = False
    licence: str = ""
    architecture: str = ""
    parameters: int = 0
    context_length: int = 0

    @property
    def publisher(self) -> str:
        """The part before the slash; "" for the few repositories without one."""
        return self.repo.rpartition("/")[0]


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some hits; `cursor` asks for the next ones and is "" at the end."""

    hits: tuple[RepoHit, ...]
    cursor: str = ""


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a repository. `size` in bytes. `sha256` is "" for small files that are not in large file storage.

    `problem` is not "" when the name can't be used on this machine: such a file is listed and never fetched.
    """

    path: str
    size: int
    sha256: str = ""
    problem: str = ""


class Quantization(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a repository in one quantization: a file, or all shards in order.

    `label`: "Q4_K_M", "UD-Q4_K_XL", "F16"; "" if the name does not tell. `name`: the path of the file without
    ".gguf" and shard number, unique in a repository. `size`: bytes of all files. `bits_per_weight`: 0 if the
    hub does not know the number of weights. `missing`: shards the repository should have and has not.
    `problem`: why it can't be used, "" if it can.
    """

    label: str
    name: str
    files: tuple[RemoteFile, ...]
    size: int
    bits_per_weight: float = 0.0
    missing: tuple[str, ...] = ()
    problem: str = ""


class RepoPage(msgspec.Struct, frozen=True, kw_only=True):
    """A repository at one commit.

    `revision`: the commit (40 hex digits), `asked_revision`: the branch or tag it was asked as. `card`: Markdown
    without the YAML block before it. `licence_link`: "" if there is none. `recommended`: name of the quantization
    most people want, "" if there is none. `checkpoint`: the files a conversion needs, () if it can't be converted.
    `unusable`: files whose names this machine can't have, whatever they are.
    """

    repo: str
    revision: str
    asked_revision: str = "main"
    card: str = ""
    licence: str = ""
    licence_link: str = ""
    gated: str = ""
    private: bool = False
    downloads: int = 0
    likes: int = 0
    updated: str = ""
    architecture: str = ""
    parameters: int = 0
    context_length: int = 0
    base_models: tuple[str, ...] = ()
    quantizations: tuple[Quantization, ...] = ()
    recommended: str = ""
    projectors: tuple[RemoteFile, ...] = ()
    checkpoint: tuple[RemoteFile, ...] = ()
    unusable: tuple[RemoteFile, ...] = ()


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch: files of one repository at one commit. `label`: of the quantization, "" for a checkpoint."""

    repo: str
    revision: str
    label: str
    name: str
    files: tuple[RemoteFile, ...]
    size: int
    licence: str = ""
