"""The page of one repository: its card, its terms, and every quantization it offers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from q8chat.core.errors import HubError
from q8chat.hub.checkpoint_files import checkpoint_files
from q8chat.hub.connection import Hub, talking_to_hub
from q8chat.hub.file_names import name_problem
from q8chat.hub.quantizations import group, is_projector, recommend
from q8chat.hub.types import RemoteFile, RepoPage

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

MAX_CARD = 512 << 10  # bytes of a card that are read
_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n.*?^---[ \t]*(\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def repo_page(repo: str, revision: str = "main", with_card: bool = True) -> RepoPage:
    """Two requests; one without the card. Raises the errors of `talking_to_hub`."""
    with talking_to_hub(repo, revision) as hub:
        info = hub.api().model_info(repo, revision=revision, files_metadata=True)
        files = tuple(_file(s) for s in info.siblings or ())
    if info.disabled:
        raise HubError(f"{repo} was disabled by the hub.", "Choose another repository.")
    card = _card(repo, info.sha or revision) if with_card and any(f.path == "README.md" for f in files) else ""
    return _page(hub, info, files, card, revision)


def _file(sibling: Any) -> RemoteFile:
    lfs, path = sibling.lfs, str(sibling.rfilename)
    size = lfs.size if lfs else sibling.size or 0
    return RemoteFile(
        path=path, size=max(0, int(size)), sha256=lfs.sha256 if lfs else "", problem=name_problem(path)
    )


def _page(hub: Hub, info: ModelInfo, files: tuple[RemoteFile, ...], card: str, asked: str) -> RepoPage:
    parameters = weights_of(info)
    quantizations = group(files, parameters)
    best = recommend(quantizations)
    return RepoPage(
        repo=info.id,
        revision=info.sha or "",
        asked_revision=asked,
        card=card,
        licence=licence_of(info),
        licence_link=_licence_link(hub, info),
        gated=gated_of(info),
        private=bool(info.private),
        downloads=info.downloads or 0,
        likes=info.likes or 0,
        updated=when(info.last_modified),
        architecture=architecture_of(info),
        parameters=parameters,
        context_length=context_of(info),
        base_models=_base_models(info),
        quantizations=quantizations,
        recommended=best.name if best else "",
        projectors=tuple(f for f in files if is_projector(f.path) and not f.problem),
        checkpoint=checkpoint_files(files),
        unusable=tuple(f for f in files if f.problem),
    )


def _card(repo: str, revision: str) -> str:
    """The README without the YAML before it; "" if it can't be had: a page without it is still of use."""
    data = b""
    try:
        with talking_to_hub(repo, revision, "README.md") as hub:
            from huggingface_hub.utils._http import get_session, hf_raise_for_status

            url = hub.file_url(repo, "README.md", revision)
            with get_session().stream("GET", url, headers=hub.headers()) as response:
                hf_raise_for_status(response)
                for piece in response.iter_bytes():
                    data += piece
                    if len(data) >= MAX_CARD:
                        break
    except HubError:
        return ""
    return without_front_matter(data[:MAX_CARD].decode("utf-8", "ignore"))


def without_front_matter(card: str) -> str:
    """The Markdown after the block of YAML that the hub reads."""
    return _FRONT_MATTER.sub("", card, count=1).strip()


def _number(value: object) -> int:
    """The hub has these from files of strangers."""
    return value if isinstance(value, int) and 0 < value < 1 << 62 else 0


def weights_of(info: ModelInfo) -> int:
    """Number of weights as the hub counted them, else 0."""
    return _number((info.gguf or {}).get("total")) or _number(info.safetensors.total if info.safetensors else 0)


def context_of(info: ModelInfo) -> int:
    """The longest context in tokens, 0 if the hub does not tell."""
    return _number((info.gguf or {}).get("context_length"))


def architecture_of(info: ModelInfo) -> str:
    """llama.cpp's name for GGUF, transformers' `model_type` for checkpoints, "" if the hub does not tell."""
    return str((info.gguf or {}).get("architecture") or (info.config or {}).get("model_type") or "")


def gated_of(info: ModelInfo) -> str:
    """ "", "auto" or "manual"; a hub that only says yes means the former."""
    return info.gated if isinstance(info.gated, str) else "auto" if info.gated else ""


def when(moment: datetime | None) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def licence_of(info: ModelInfo) -> str:
    """From the card's data, else from the tags; for "other" the name the publisher gave."""
    data = info.card_data
    stated = data.get("license") if data else None
    if isinstance(stated, list):
        stated = ", ".join(str(s) for s in stated)
    if stated == "other" and data:
        stated = data.get("license_name") or stated
    tagged = next((t.removeprefix("license:") for t in info.tags or () if t.startswith("license:")), "")
    return str(stated or tagged)


def _licence_link(hub: Hub, info: ModelInfo) -> str:
    link = str((info.card_data.get("license_link") if info.card_data else "") or "").strip()
    if not link or link.startswith(("https://", "http://")):
        return link
    if ":" in link or name_problem(link):
        return ""
    return f"{hub.page_url(info.id)}/blob/{info.sha}/{link}"


def _base_models(info: ModelInfo) -> tuple[str, ...]:
    stated = info.card_data.get("base_model") if info.card_data else None
    return tuple(str(s) for s in (stated if isinstance(stated, list) else [stated]) if s)
