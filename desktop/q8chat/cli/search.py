"""`q8chat search`: models on the hub, or all quantizations of one repository."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from q8chat.cli.columns import table
from q8chat.cli.parser import EXIT_OK, Commands, plain
from q8chat.core import units
from q8chat.core.errors import UsageError

if TYPE_CHECKING:
    from q8chat.hub.types import Quantization, RepoPage, SearchPage


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    search = commands.add_parser("search", help="find models on the Hugging Face hub")
    search.add_argument("text", nargs="*", metavar="TEXT", help="words in the name; without any, all models")
    search.add_argument("--repo", metavar="ORG/NAME", help="list every quantization of this repository instead")
    search.add_argument("--revision", default="main", help="with --repo: branch, tag or commit (default: main)")
    search.add_argument("--kind", choices=("gguf", "checkpoint", "any"), default="gguf", help="default: gguf")
    search.add_argument(
        "--sort",
        choices=("downloads", "likes", "updated", "trending"),
        default="downloads",
        help="default: downloads",
    )
    search.add_argument("--limit", type=int, default=20, metavar="N", help="hits, 1 to 100 (default: 20)")
    search.add_argument("--cursor", default="", help="go on where the search before ended")
    search.add_argument("--json", action="store_true", help="print one JSON object")
    search.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import msgspec

    from q8chat.hub.repo import repo_page
    from q8chat.hub.search import search

    found: RepoPage | SearchPage
    if options.repo:
        if options.text:
            raise UsageError("--repo and words to search for do not go together.")
        found = repo_page(options.repo, options.revision, with_card=options.json)
        text = _page_text(found)
    else:
        found = search(" ".join(options.text), options.kind, options.sort, options.limit, options.cursor)
        text = _hits_text(found)
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if options.json else text)
    return EXIT_OK


def _hits_text(page: SearchPage) -> str:
    if not page.hits:
        return "Nothing found."
    rows = [
        (
            hit.repo,
            "GGUF" if hit.kind == "gguf" else hit.kind,
            units.parameters(hit.parameters),
            units.count(hit.downloads),
            units.count(hit.likes),
            hit.updated[:10],
            hit.licence,
            "gated" if hit.gated else "",
        )
        for hit in page.hits
    ]
    head = ("REPOSITORY", "KIND", "WEIGHTS", "DOWNLOADS", "LIKES", "UPDATED", "LICENCE", "")
    more = f"\n\nThere is more: add --cursor {plain(page.cursor)}" if page.cursor else ""
    return table(head, rows, right=(2, 3, 4)) + more


def _page_text(page: RepoPage) -> str:
    about = [
        plain(f"{page.repo} at {page.revision[:12]}"),
        plain(
            f"Licence: {page.licence or 'not stated'}" + (f" ({page.licence_link})" if page.licence_link else "")
        ),
    ]
    if page.gated:
        about.append("Gated: accept its terms on the hub's page before fetching it.")
    if page.checkpoint:
        size = units.size(sum(f.size for f in page.checkpoint))
        about.append(f"A checkpoint that can be converted: {len(page.checkpoint)} files, {size}.")
    if not page.quantizations:
        return "\n".join([*about, "No GGUF files."])
    rows = [_row(row, page.recommended) for row in page.quantizations]
    return "\n".join([*about, "", table(("TYPE", "SIZE", "BITS", "FILE", ""), rows, right=(1, 2))])


def _row(row: Quantization, recommended: str) -> tuple[str, ...]:
    parts = f" (+{len(row.files) - 1} more)" if len(row.files) > 1 else ""
    remark = row.problem or ("recommended" if row.name == recommended else "")
    bits = f"{row.bits_per_weight:.2f}" if row.bits_per_weight else "?"
    return row.label or "?", units.size(row.size), bits, row.files[0].path + parts, remark
