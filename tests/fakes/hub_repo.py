"""A repository of the fake hub: commits, and what the API says about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.fakes.hub_contents import Content, as_content

Source = bytes | str | Path | Content
Json = dict[str, Any]
PLAIN_SUFFIXES = (".md", ".json", ".txt", ".jinja", ".gitattributes")  # everything else is in large file storage


def is_large(path: str) -> bool:
    """Whether the hub keeps this file apart and redirects to it."""
    return not path.lower().endswith(PLAIN_SUFFIXES)


@dataclass
class Repo:
    """`gated`: False, "auto" or "manual". `gguf` and `safetensors`: what the real hub found in the files."""

    name: str
    card: str = ""
    card_data: Json = field(default_factory=dict)
    gated: str | bool = False
    private: bool = False
    disabled: bool = False
    downloads: int = 0
    likes: int = 0
    trending: int = 0
    updated: str = "2026-01-02T03:04:05.000Z"
    tags: tuple[str, ...] = ()
    gguf: Json | None = None
    safetensors: Json | None = None
    config: Json | None = None
    library: str = ""
    commits: dict[str, dict[str, Content]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Mapping[str, Source], branch: str = "main") -> str:
        """A new commit with exactly these files; returns its sha."""
        contents = {path: as_content(source) for path, source in files.items()}
        if self.card and "README.md" not in contents:
            contents["README.md"] = as_content(self.card)
        sha = hashlib.sha1(f"{self.name} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = contents
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        """The sha of a branch, or of a commit; None if there is none."""
        sha = self.branches.get(revision, revision)
        return sha if sha in self.commits else None

    def all_tags(self) -> list[str]:
        """Own tags and the ones the hub adds."""
        extra = ["gguf"] if self.gguf else []
        extra += ["safetensors"] if self.safetensors else []
        if licence := self.card_data.get("license"):
            extra.append(f"license:{licence}")
        return [*self.tags, *extra]

    def info(self, sha: str, blobs: bool) -> Json:
        """The answer to /api/models/{repo}."""
        model_config = self.config or {}
        fields: Json = {
            "_id": hashlib.md5(self.name.encode()).hexdigest()[:24],
            "id": self.name,
            "modelId": self.name,
            "author": self.name.partition("/")[0],
            "sha": sha,
            "private": self.private,
            "gated": self.gated,
            "disabled": self.disabled,
            "downloads": self.downloads,
            "likes": self.likes,
            "trendingScore": self.trending,
            "lastModified": self.updated,
            "createdAt": self.updated,
            "tags": self.all_tags(),
            "library_name": self.library or None,
            "cardData": self.card_data,
            "config": model_config,
            "siblings": [self._sibling(path, content, blobs) for path, content in self.commits[sha].items()],
        }
        if self.gguf:
            fields["gguf"] = self.gguf
        if self.safetensors:
            fields["safetensors"] = self.safetensors
        return json.loads(json.dumps(fields))  # type: ignore[no-any-return]

    def _sibling(self, path: str, content: Content, blobs: bool) -> Json:
        if not blobs:
            return {"rfilename": path}
        told: Json = {"rfilename": path, "size": content.size, "blobId": content.git_sha1}
        if is_large(path):
            told["lfs"] = {"sha256": content.sha256, "size": content.size, "pointerSize": 134}
        return told

    def tree(self, sha: str, folder: str, recursive: bool) -> list[Json]:
        """The answer to /api/models/{repo}/tree/{sha}/{folder}."""
        prefix = folder.strip("/") + "/" if folder.strip("/") else ""
        entries: dict[str, Json] = {}
        for path, content in self.commits[sha].items():
            if not path.startswith(prefix):
                continue
            head, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                entries.setdefault(
                    prefix + head, {"type": "directory", "path": prefix + head, "size": 0, "oid": "0" * 40}
                )
            if slash and not recursive:
                continue
            entry: Json = {"type": "file", "path": path, "size": content.size, "oid": content.git_sha1}
            if is_large(path):
                entry["lfs"] = {"oid": content.sha256, "size": content.size, "pointerSize": 134}
            entries[path] = entry
        return list(entries.values())

    def sort_key(self, by: str) -> float:
        """For the sort parameter of a search."""
        if by in ("lastModified", "createdAt"):
            return datetime.fromisoformat(self.updated).timestamp()
        return {"likes": self.likes, "trendingScore": self.trending}.get(by, self.downloads)
