"""Writes small real models with llama.cpp's own GGUF writer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter

TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


def write_model(
    path: Path,
    *,
    architecture: str = "llama",
    name: str = "Tiny",
    kind: str = "model",
    file_type: int | None = 2,
    licence: str = "apache-2.0",
    context: int = 2048,
    template: str = TEMPLATE,
    shard: tuple[int, int] | None = None,
    tensors: bool = True,
) -> Path:
    """A model of 2 * 32 * 64 + 64 weights: Q4_0, Q8_0 and F32. `shard`: (number from 1, total)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, architecture)
    writer.add_type(kind)
    if shard:
        writer.add_uint16("split.no", shard[0] - 1)
        writer.add_uint16("split.count", shard[1])
    if not shard or shard[0] == 1:
        writer.add_name(name)
        writer.add_license(licence)
        writer.add_context_length(context)
        writer.add_block_count(2)
        if file_type is not None:
            writer.add_file_type(file_type)
        if template:
            writer.add_chat_template(template)
    if tensors:
        writer.add_tensor("a.weight", np.zeros((64, 18), np.uint8), raw_dtype=GGMLQuantizationType.Q4_0)
        writer.add_tensor("b.weight", np.zeros((64, 34), np.uint8), raw_dtype=GGMLQuantizationType.Q8_0)
        writer.add_tensor("norm.weight", np.zeros(64, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hub_cache(hub: Path, repo: str, name: str, commit: str = "c" * 40, **model: object) -> Path:
    """A file in the hub's cache as huggingface_hub lays it out; returns the link in the snapshot."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    part = write_model(folder / "blobs" / "new.gguf", **model)  # type: ignore[arg-type]
    blob = part.rename(part.with_name(sha256(part)))
    link = folder / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * len(link.relative_to(folder).parent.parts)
    link.symlink_to(f"{up}blobs/{blob.name}")
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    return link


def ollama_model(store: Path, *tags: str, **model: object) -> Path:
    """A model in Ollama's store under all `tags` ("registry.ollama.ai/library/gemma3/4b"); returns the blob."""
    part = write_model(store / "blobs" / "new.gguf", **model)  # type: ignore[arg-type]
    digest = sha256(part)
    blob = part.rename(part.with_name(f"sha256-{digest}"))
    for tag in tags:
        manifest = store / "manifests" / tag
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_text(
            '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
            '"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:aa","size":3},'
            '"layers":[{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:bb","size":11},'
            f'{{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{digest}",'
            f'"size":{blob.stat().st_size}}}]}}'
        )
    return blob
