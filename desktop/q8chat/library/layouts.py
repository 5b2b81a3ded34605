"""How models lie in the folders of the applications we can read: plain files, the hub's cache, Ollama's store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from q8chat.library.patience import Pulse
from q8chat.library.types import Folder, Problem
from q8chat.library.walk import Found, Walked, is_folder, is_text, model_files

# Applications that keep models as <publisher>/<repo>/<file>, as we do.
REPO_FOLDERS = frozenset({"Q8 Chat", "Starter", "LM Studio"})
OLLAMA_MODEL = "application/vnd.ollama.image.model"
OLLAMA_HOST, OLLAMA_NAMESPACE = "registry.ollama.ai", "library"  # what Ollama leaves out of a model's name
HUB_PREFIX = "models--"
MAX_MANIFEST = 1 << 20  # bytes; real ones have less than 2 KiB
SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")


def plain_files(folder: Folder, walked: Walked, pulse: Pulse) -> Iterator[Found]:
    """Every .gguf file below the folder."""
    for found in model_files(folder.path, walked, pulse):
        parts = Path(found.path).relative_to(folder.path).parts
        tells = folder.source in REPO_FOLDERS and len(parts) >= 3
        yield replace(found, repo="/".join(parts[:2])) if tells else found


def hub_cache(folder: Folder, walked: Walked, pulse: Pulse) -> Iterator[Found]:
    """`models--<publisher>--<repo>/snapshots/<commit>/<file>`, links to `blobs/<checksum>`.

    The commit that `main` stands for comes first, so that a file of several commits is told to be of that one.
    """
    walked.folders.append(folder.path)
    for repo_folder in _folders(folder.path, walked):
        if not repo_folder.name.startswith(HUB_PREFIX):
            continue
        repo = repo_folder.name.removeprefix(HUB_PREFIX).replace("--", "/")
        snapshots = repo_folder / "snapshots"
        walked.folders += [str(p) for p in (repo_folder, snapshots) if is_text(str(p))]
        main = _main_commit(repo_folder)
        for snapshot in sorted(_folders(str(snapshots), walked), key=lambda p: (p.name != main, p.name)):
            for found in model_files(str(snapshot), walked, pulse):
                blob = Path(found.real).name
                yield replace(found, repo=repo, sha256=blob if SHA256.fullmatch(blob) else "")


def ollama(folder: Folder, walked: Walked, pulse: Pulse) -> Iterator[Found]:
    """`manifests/<host>/<namespace>/<model>/<tag>`: JSON that names a GGUF file in `blobs/`."""
    top = os.path.join(folder.path, "manifests")  # noqa: PTH118
    for current, folders, names in os.walk(top, onerror=lambda e: walked.trouble(str(e.filename or top), e)):
        pulse.beat()
        folders.sort()
        walked.folders += [current] if is_text(current) else []
        tag_parts = Path(current).relative_to(top).parts
        if len(tag_parts) < 3:
            continue
        for tag in sorted(names, key=lambda name: (name == "latest", name)):  # a blob may have several tags
            pulse.beat()
            yield from _ollama_model(Path(folder.path), Path(current) / tag, tag_parts, walked)


def _ollama_model(root: Path, manifest: Path, parts: tuple[str, ...], walked: Walked) -> Iterator[Found]:
    name = ollama_name(parts, manifest.name)
    if not is_text(name):
        return
    try:
        digest = model_digest(manifest)
        if not digest:
            return
        blob = root / "blobs" / f"sha256-{digest}"
        info = blob.stat()
    except FileNotFoundError:
        text = f"Ollama's model {name} is incomplete: its file is not there."
        walked.problems.append(Problem(str(manifest), text, f'Get it again with "ollama pull {name}".'))
    except OSError as e:
        walked.trouble(str(manifest), e)
    except ValueError:
        text = f"Ollama's entry for {name} can't be understood."
        walked.problems.append(Problem(str(manifest), text, f'Get it again with "ollama pull {name}".'))
    else:
        host, repo = parts[0], "/".join(parts[1:])
        known = repo if host in ("hf.co", "huggingface.co") else ""
        yield Found(str(blob), os.path.realpath(blob), info, name=name, repo=known, sha256=digest)


def ollama_name(parts: tuple[str, ...], tag: str) -> str:
    """The name as Ollama shows it: `gemma3:4b`, `somebody/model:tag`, `hf.co/publisher/repo:Q4_K_M`."""
    shown = parts[1:] if parts[0] == OLLAMA_HOST else parts
    shown = shown[1:] if shown[0] == OLLAMA_NAMESPACE and len(shown) > 1 else shown
    return f"{'/'.join(shown)}:{tag}"


class _Layer(msgspec.Struct, rename={"media_type": "mediaType"}):
    digest: str
    media_type: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []


def model_digest(manifest: Path) -> str:
    """The sha256 of the weights a manifest names; "" if it names none. Raises OSError or ValueError."""
    if not manifest.is_file() or manifest.stat().st_size > MAX_MANIFEST:
        raise ValueError("no manifest")
    layers = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    for layer in layers:
        if layer.media_type == OLLAMA_MODEL:
            digest = _DIGEST.fullmatch(layer.digest)
            if not digest:
                raise ValueError("no digest")
            return digest[1]
    return ""


def _folders(path: str, walked: Walked) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return sorted(Path(entry.path) for entry in entries if is_folder(entry))
    except FileNotFoundError:  # a repository of which nothing was fetched yet
        return []
    except OSError as e:
        walked.trouble(path, e)
        return []


def _main_commit(repo_folder: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return (repo_folder / "refs" / "main").read_text().strip()
    return ""


Layout = Callable[[Folder, Walked, Pulse], Iterator[Found]]


def layout(path: Path) -> Layout:
    """By what lies in it: stores can be anywhere, and a folder of an application may have been moved."""
    with suppress(OSError):
        if (path / "manifests").is_dir() and (path / "blobs").is_dir():
            return ollama
        with os.scandir(path) as entries:
            if any(entry.name.startswith(HUB_PREFIX) for entry in entries):
                return hub_cache
    return plain_files
