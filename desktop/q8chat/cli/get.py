"""`q8chat get`: fetch a model from the hub."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from q8chat.cli.parser import EXIT_OK, Commands, plain
from q8chat.cli.progress import shown
from q8chat.core.errors import UsageError

if TYPE_CHECKING:
    from q8chat.hub.types import Selection


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    get = commands.add_parser("get", help="fetch a model from the Hugging Face hub, or go on fetching it")
    get.add_argument("repo", metavar="REPO", help="publisher/name, or publisher/name:Q4_K_M")
    get.add_argument(
        "what",
        nargs="?",
        default="",
        metavar="FILE|QUANT",
        help="which of its files (default: what most people want)",
    )
    get.add_argument("--revision", default="main", help="branch, tag or commit (default: main)")
    get.add_argument("--checkpoint", action="store_true", help="the files a conversion needs instead of a GGUF")
    get.add_argument("--json", action="store_true", help="print one JSON object, and no progress")
    get.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    selection = _selection(options)
    paths = fetch(selection, quiet=options.json)
    if options.json:
        about = {"repo": selection.repo, "revision": selection.revision, "label": selection.label}
        print(json.dumps({**about, "bytes": selection.size, "files": [str(p) for p in paths]}, indent=2))
    else:
        print(plain("\n".join(str(p) for p in paths)))
    return EXIT_OK


def _selection(options: argparse.Namespace) -> Selection:
    from q8chat.hub.repo import repo_page
    from q8chat.hub.resolve import resolve, select_checkpoint

    if not options.checkpoint:
        return resolve(options.repo, options.what, options.revision)
    if options.what or ":" in options.repo:
        raise UsageError("--checkpoint takes all files a conversion needs.", "Leave out the file or quantization.")
    return select_checkpoint(repo_page(options.repo, options.revision, with_card=False))


def fetch(selection: Selection, *, quiet: bool) -> list[Path]:
    """Download it with a bar; Ctrl+C keeps what is there and says how to go on."""
    from q8chat.hub.download import download

    title = plain(selection.name or selection.repo)
    kept = "Stopped. What was fetched is kept: the same command goes on where it was."
    with shown(title, quiet=quiet, on_stop=kept) as (progress, cancel):
        return download(selection, progress, cancel)


def local_path(model: str, *, quiet: bool) -> str:
    """A path as it is; for "publisher/name:QUANT" the path of that model, which is fetched first if needed."""
    from q8chat.hub.downloaded import downloaded
    from q8chat.hub.resolve import looks_remote, parse_reference, resolve

    if not looks_remote(model) or Path(model).exists():
        return model
    paths = downloaded(*parse_reference(model)) or fetch(resolve(model), quiet=quiet)
    return str(paths[0])
