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
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_END = re.compile(r"<hr\b[^<>]*>|</(p|div|tr|li|h[1-6])\s*>", re.IGNORECASE)
# Only what is HTML: others, as <think>, are what a card writes about.
_HTML = (
    "a|abbr|audio|b|big|blockquote|body|button|caption|center|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption"
    "|figure|font|footer|form|head|header|html|i|iframe|img|input|ins|kbd|label|link|main|mark|meta|nav|object|ol"
    "|option|path|picture|pre|q|s|samp|section|select|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody"
    "|td|tfoot|th|thead|title|tt|u|ul|var|video"
)
_TAG = re.compile(rf"</?({_HTML}|h[1-6]|p|li|tr|br|hr)(\s[^<>]*)?/?>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
# Lines that begin something of their own, and lines that nothing is joined to.
_BLOCK = re.compile(r"\s*([-*+]\s|\d+[.)]\s|#|>|\||```|~~~|(=+|-+|\*{3,}|_{3,})\s*$)|( {4}|\t)")
_CLOSED = re.compile(r"\s*(#|\||```|~~~|(=+|-+|\*{3,}|_{3,})\s*$)|( {4}|\t)")
_EMPTY_LINK = re.compile(r"\[\s*\]\([^)\n]*\)")


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


# ---- the card --------------------------------------------------------------------------------------------------


def without_card(page: RepoPage) -> str:
    """Where there is no card to show."""
    if page.gated or page.private:
        return "Its description can be read once access is granted."
    return "The publisher has written nothing about it."


def readable_card(card: str) -> str:
    """The Markdown of a card without its HTML and its images, a line for each paragraph; code stays as it is."""
    text = _HIDDEN.sub("", _COMMENT.sub("", card))
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
            lines.append(line)
        elif fence:
            lines.append(line)
        else:
            for part in _without_html(line).split("\n"):
                _append(lines, part)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _append(lines: list[str], line: str) -> None:
    """A line that only goes on is joined: where a text is shown as a chat's is, it would be broken there."""
    last = lines[-1] if lines else ""
    is_open = last.strip() and not last.endswith(("  ", "\\")) and not _CLOSED.match(last)
    if is_open and line.strip() and not _BLOCK.match(line):
        lines[-1] = f"{last.rstrip()} {line.strip()}"
    else:
        lines.append(line)


def _without_html(line: str) -> str:
    """Tags are dropped, but not in `code`; in a table a break must not end the row."""
    in_table = line.lstrip().startswith("|")
    line_break, end = (" ", " ") if in_table else ("\\\\\n", "\n\n")

    def plain(text: str) -> str:
        return _TAG.sub("", _END.sub(end, _BREAK.sub(line_break, text)))

    parts = re.split(r"(`+[^`]*`+)", line)
    text = "".join(part if n % 2 else plain(part) for n, part in enumerate(parts))
    if text != line:  # what was inside of tags is no code because it was indented
        text = "\n".join(part.strip() for part in text.split("\n"))
    return _EMPTY_LINK.sub("", _IMAGE.sub("", text))
