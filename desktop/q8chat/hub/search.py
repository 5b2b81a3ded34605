"""Searching the hub, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from q8chat.core.errors import UsageError
from q8chat.hub import repo
from q8chat.hub.connection import Hub, talking_to_hub
from q8chat.hub.types import Kind, RepoHit, SearchPage, Sort

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

MAX_LIMIT = 100
SORTS: dict[Sort, str] = {
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "trending": "trendingScore",
}
# What the hub is asked for. What it can't filter is dropped here, and more is asked for instead, in a few requests;
# after these a page may still have fewer hits than its limit.
MAX_REQUESTS = 4
FILTERS: dict[Kind, tuple[str, ...]] = {"gguf": ("gguf",), "checkpoint": ("safetensors", "transformers"), "any": ()}
_EXPAND = ("downloads", "likes", "lastModified", "gated", "private", "tags", "pipeline_tag", "gguf", "safetensors")
_CHAT_TASKS = ("", "text-generation", "image-text-to-text", "any-to-any", "text2text-generation")
# Checkpoints whose weights are packed already, or that are only a part.
_NOT_CONVERTIBLE = frozenset(
    {"gptq", "awq", "bitsandbytes", "mlx", "exl2", "compressed-tensors", "peft", "lora", "gguf"}
)


def search(
    text: str, kind: Kind = "gguf", sort: Sort = "downloads", limit: int = 30, cursor: str = ""
) -> SearchPage:
    """Usually one request. `limit`: 1 to 100. `cursor`: of the page before.

    Raises UsageError and the errors of `talking_to_hub`.
    """
    if kind not in FILTERS or sort not in SORTS or not 1 <= limit <= MAX_LIMIT:
        raise UsageError(f"A search for {kind} by {sort} with {limit} hits is not possible.")
    hits: list[RepoHit] = []
    with talking_to_hub() as hub:
        for _ in range(MAX_REQUESTS):
            infos, cursor = _ask(hub, _parameters(text, kind, sort, limit - len(hits), cursor))
            hits += (_hit(info) for info in infos if _wanted(info, kind))
            if not cursor or len(hits) >= limit:
                break
    return SearchPage(hits=tuple(hits), cursor=cursor)


def _parameters(text: str, kind: Kind, sort: Sort, limit: int, cursor: str) -> dict[str, Any]:
    config = () if kind == "gguf" else ("config",)
    asked: dict[str, Any] = {
        "search": text.strip(),
        "filter": list(FILTERS[kind]),
        "sort": SORTS[sort],
        "limit": str(limit),
        "expand": [*_EXPAND, *config],
        "cursor": cursor,
    }
    return {key: value for key, value in asked.items() if value}


def _ask(hub: Hub, parameters: dict[str, Any]) -> tuple[list[ModelInfo], str]:
    """The hits, and the cursor in the link to the next page. `HfApi.list_models` keeps that to itself."""
    from huggingface_hub.hf_api import ModelInfo
    from huggingface_hub.utils._http import get_session, hf_raise_for_status

    response = get_session().get(f"{hub.endpoint}/api/models", params=parameters, headers=hub.headers())
    hf_raise_for_status(response)
    following = response.links.get("next", {}).get("url", "")
    items = response.json()
    if not isinstance(items, list):
        raise TypeError("the answer to a search is no list")
    infos = [ModelInfo(**item) for item in items]  # type: ignore[no-untyped-call]
    return infos, parse_qs(urlsplit(following).query).get("cursor", [""])[0]


def _wanted(info: ModelInfo, kind: Kind) -> bool:
    tags = set(info.tags or ())
    if kind == "gguf" or (kind == "any" and "gguf" in tags):
        return True
    return "safetensors" in tags and not tags & _NOT_CONVERTIBLE and (info.pipeline_tag or "") in _CHAT_TASKS


def _hit(info: ModelInfo) -> RepoHit:
    return RepoHit(
        repo=info.id,
        kind="gguf" if info.gguf or "gguf" in (info.tags or ()) else "checkpoint",
        downloads=info.downloads or 0,
        likes=info.likes or 0,
        updated=repo.when(info.last_modified),
        gated=repo.gated_of(info),
        private=bool(info.private),
        licence=repo.licence_of(info),
        architecture=repo.architecture_of(info),
        parameters=repo.weights_of(info),
        context_length=repo.context_of(info),
    )
