"""From what a user types to the files to fetch."""

from __future__ import annotations

import re
from typing import NamedTuple

from q8chat.core.errors import RemoteFileNotFoundError, UsageError
from q8chat.hub.quantizations import normal_label, recommend
from q8chat.hub.repo import repo_page
from q8chat.hub.types import Quantization, RepoPage, Selection

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
MAX_LISTED = 12


class Reference(NamedTuple):
    """`repo`, and a quantization or file in it ("" means the recommended one)."""

    repo: str
    what: str


def parse_reference(text: str) -> Reference:
    """ "org/name", "org/name:Q4_K_M" or "org/name:folder/file.gguf". Raises UsageError."""
    name, colon, what = text.strip().partition(":")
    if not _REPO.fullmatch(name) or (colon and ("/" not in name or not what.strip())):
        raise UsageError(f"{text!r} is not a model on the hub.", "Write publisher/name or publisher/name:Q4_K_M.")
    return Reference(name, what.strip())


def looks_remote(text: str) -> bool:
    """Whether `text` can only mean a model on the hub, and no path: "publisher/name:QUANT"."""
    name, colon, what = text.partition(":")
    return bool(colon and what and "/" in name and _REPO.fullmatch(name))


def resolve(repo: str, what: str = "", revision: str = "main") -> Selection:
    """The files of one quantization at one commit. `repo` may be a reference "org/name:Q4_K_M".

    Raises UsageError, RemoteFileNotFoundError that names what there is, and the errors of `talking_to_hub`.
    """
    name, within = parse_reference(repo)
    return select(repo_page(name, revision, with_card=False), what or within)


def select(page: RepoPage, what: str = "") -> Selection:
    """The same for a page that is already there. `what`: a label, a file or its name, or "" for the recommended."""
    if not page.quantizations:
        raise _nothing(page)
    best = recommend(page.quantizations)
    if best is None and not what:
        raise _no_match(page, f"{page.repo} has no GGUF file that can be used.")
    row = _matching(page, what or (best.label or best.name if best else ""))
    if row.problem:
        raise RemoteFileNotFoundError(
            f"{row.name} of {page.repo} can't be used: {row.problem}.", f"There is: {_listed(page)}."
        )
    return _selection(page, row)


def select_checkpoint(page: RepoPage) -> Selection:
    """All files a conversion needs. Raises RemoteFileNotFoundError."""
    if not page.checkpoint:
        raise RemoteFileNotFoundError(
            f"{page.repo} has no checkpoint that can be converted.",
            "It takes safetensors weights and a config.json in its top folder.",
        )
    size = sum(f.size for f in page.checkpoint)
    return Selection(
        repo=page.repo,
        revision=page.revision,
        label="",
        name=page.repo.rpartition("/")[2],
        files=page.checkpoint,
        size=size,
        licence=page.licence,
    )


def _selection(page: RepoPage, row: Quantization) -> Selection:
    return Selection(
        repo=page.repo,
        revision=page.revision,
        label=row.label,
        name=row.name,
        files=row.files,
        size=row.size,
        licence=page.licence,
    )


def _matching(page: RepoPage, what: str) -> Quantization:
    """A path first, then a file's name, then a label; each must be unambiguous."""
    label = normal_label(what)
    wanted = what.lower()
    tests = (
        lambda row: what in {row.name, *(f.path for f in row.files)},
        lambda row: wanted in {_leaf(n) for n in (row.name, *(f.path for f in row.files))},
        lambda row: bool(label) and row.label == label,
    )
    for test in tests:
        found = [row for row in page.quantizations if test(row)]
        usable = [row for row in found if not row.problem] or found
        if len(usable) == 1:
            return usable[0]
        if usable:
            names = ", ".join(row.files[0].path for row in usable[:MAX_LISTED])
            raise RemoteFileNotFoundError(f"{what} of {page.repo} can be several files.", f"Choose one: {names}.")
    raise _no_match(page, f"{page.repo} has no {what}.")


def _leaf(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _nothing(page: RepoPage) -> RemoteFileNotFoundError:
    if page.checkpoint:
        return RemoteFileNotFoundError(
            f"{page.repo} has no GGUF file, but a checkpoint that can be converted.",
            f"Convert it, or search for {page.repo.rpartition('/')[2]} as GGUF.",
        )
    return RemoteFileNotFoundError(f"{page.repo} has no GGUF file.", "Search for another repository.")


def _no_match(page: RepoPage, message: str) -> RemoteFileNotFoundError:
    return RemoteFileNotFoundError(message, f"There is: {_listed(page)}.")


def _listed(page: RepoPage) -> str:
    names = [row.label or row.name for row in page.quantizations if not row.problem]
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - MAX_LISTED} more" if len(unique) > MAX_LISTED else ""
    return (", ".join(unique[:MAX_LISTED]) + more) or "nothing"
