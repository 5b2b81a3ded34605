"""The hub in words: what was typed, what a search found, the head of a repository's page, and its card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

from q8chat.core import units
from q8chat.core.errors import Q8Error, UsageError
from q8chat.gui.library_text import when
from q8chat.hub.resolve import Reference, parse_reference
from q8chat.hub.types import Kind, RepoHit, RepoPage, Sort

KINDS: tuple[tuple[str, Kind], ...] = (("GGUF", "gguf"), ("Checkpoints to convert", "checkpoint"))
SORTS: tuple[tuple[str, Sort], ...] = (
    ("Most downloads", "downloads"),
    ("Most likes", "likes"),
    ("Newest", "updated"),
)
_NOT_MODELS = ("datasets", "spaces", "docs", "api", "models")


@dataclass(frozen=True, slots=True)
class Message:
    """What a page says instead of what it should show. action: of its button, "" for none."""

    title: str
    text: str = ""
    action: str = ""


START = Message(
    "Find a model on the hub",
    "Type a name, or paste publisher/name or the address of a model. Nothing is asked before you do that or press"
    " the button.",
    "Show popular models",
)
OFFLINE = Message(
    "Offline mode is on",
    "Nothing touches the network: models can't be searched for, and downloads wait. What is on this machine works"
    " as always.",
    "Go online",
)
OFFLINE_BY_ENVIRONMENT = Message(
    "Offline mode is on",
    "HF_HUB_OFFLINE is set, so nothing touches the network. Start Q8 Chat without it to search for models.",
)


def nothing_found(text: str, kind: Kind) -> Message:
    """A search without hits."""
    what = "GGUF models" if kind == "gguf" else "checkpoints that can be converted"
    other = "checkpoints to convert" if kind == "gguf" else "GGUF models"
    title = f"Nothing found for ‘{text}’" if text else "Nothing found"
    return Message(title, f"Among {what}. Try fewer or other words, or look for {other}.")


def failed(error: Q8Error) -> Message:
    """The hub could not be asked."""
    return Message(error.message, error.hint, "Try again")


# ---- what was typed --------------------------------------------------------------------------------------------


def reference(text: str) -> Reference | None:
    """What a text names on the hub: "org/name", "org/name:Q4_K_M", an address; None for words to search."""
    text = text.strip()
    if "://" in text or re.match(r"[\w-]+(\.[\w-]+)+/[^/]+/[^/]", text):
        return _from_address(text if "://" in text else f"https://{text}")
    try:
        return parse_reference(text) if "/" in text else None
    except UsageError:
        return None


def is_complete(text: str) -> bool:
    """Whether it can be opened while somebody may still be typing: an address, or a name with a quantization."""
    return "://" in text or bool(re.fullmatch(r"\s*[^\s/:]+/[^\s/:]+:\S{3,}\s*", text))


def _from_address(text: str) -> Reference | None:
    parts = [unquote(p) for p in urlsplit(text).path.split("/") if p]
    if len(parts) < 2 or parts[0] in _NOT_MODELS:
        return None
    what = "/".join(parts[4:]) if len(parts) > 4 and parts[2] in ("blob", "resolve") else ""
    try:
        return Reference(parse_reference("/".join(parts[:2])).repo, what)
    except UsageError:
        return None


# ---- results ---------------------------------------------------------------------------------------------------


def compact(n: int) -> str:
    """830, 54k, 1.2M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= 0.9995 * size:
            value = n / size
            return f"{value:.1f}{letter}".replace(".0", "") if value < 9.95 else f"{value:.0f}{letter}"
    return str(n)


def name_of(repo: str) -> str:
    """Without the publisher."""
    return repo.rpartition("/")[2]


def hit_facts(hit: RepoHit, now: datetime | None = None) -> tuple[str, ...]:
    """What is known about a hit besides its name, in the order to show."""
    return _facts(hit, now)


def spoken(hit: RepoHit) -> str:
    """A hit in one line, for screen readers."""
    by = f" by {hit.publisher}" if hit.publisher else ""
    return ", ".join((f"{name_of(hit.repo)}{by}", *hit_facts(hit), *(("gated",) if hit.gated else ())))


def found(n: int, more: bool) -> str:
    """The line below the results."""
    return f"{n} {'model' if n == 1 else 'models'}{', and there are more' if more else ''}"


def page_facts(page: RepoPage, now: datetime | None = None) -> tuple[str, ...]:
    """The line below the name on the page."""
    context = f"{units.count(page.context_length)} tokens of context" if page.context_length else ""
    commit = f"revision {page.revision[:7]}" if page.revision else ""
    return tuple(fact for fact in (*_facts(page, now), context, commit) if fact)


def _facts(about: RepoHit | RepoPage, now: datetime | None) -> tuple[str, ...]:
    updated = when(about.updated, now)
    parts = (
        units.parameters(about.parameters),
        f"{compact(about.downloads)} downloads",
        f"{compact(about.likes)} {'like' if about.likes == 1 else 'likes'}",
        f"updated {updated}" if updated else "",
        about.licence or "no licence stated",
        "private" if about.private else "",
    )
    return tuple(part for part in parts if part)


def gated_words(page: RepoPage, has_token: bool) -> str:
    """What to do about a gated repository."""
    who = "its publisher looks at each request" if page.gated == "manual" else "access is granted at once"
    first = f"{page.repo} is gated: sign in on its page, accept the terms ({who}),"
    if has_token:
        return f"{first} then download. Your token is sent along."
    return (
        f"{first} then make a token in your account's settings and store it here. It goes to the system's keyring."
    )


def hidden_words(repo: str, has_token: bool) -> str:
    """What to do about a repository that can't be seen."""
    if has_token:
        return f"If {repo} is private or gated, your token needs the right to read it. You can store another one."
    return f"If {repo} is private or gated, store a token of yours here. It goes to the system's keyring."


def without_card(page: RepoPage) -> str:
    """Where there is no card to show."""
    if page.gated or page.private:
        return "Its description can be read once access is granted."
    return "The publisher has written nothing about it."
