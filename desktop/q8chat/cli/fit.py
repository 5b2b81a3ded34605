"""`q8chat fit`: what a model takes here, before it is loaded or fetched."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from q8chat.cli.parser import EXIT_OK, Commands
from q8chat.core.errors import UsageError

if TYPE_CHECKING:
    from q8chat.gguf_files.header import Header
    from q8chat.runtime.memory import Fit

_PARTS = {
    "weights_mapped": "weights, mapped from the file",
    "weights_private": "weights, read into memory",
    "repacked": "weights, copied for the CPU's kernels",
    "kv": "KV cache",
    "recurrent": "recurrent states",
    "compute": "scratch memory",
    "outputs": "outputs",
    "base": "program and vocabulary",
}
_SOURCES = {
    "measured": "as measured here",
    "corrected": "estimated from the header, corrected by what was measured here",
    "estimated": "estimated from the header",
}


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    fit = commands.add_parser("fit", help="how much memory a model takes, and whether it fits")
    fit.add_argument("model", metavar="FILE|REPO:FILE|REPO:QUANT", help="a file here, or one on the hub")
    fit.add_argument("--ctx", type=int, default=0, metavar="N", help="context length in tokens")
    fit.add_argument("--kv-type", default="f16", metavar="T", help="f16, q8_0 or q4_0")
    fit.add_argument("--no-mmap", action="store_true", help="read the file into memory instead of mapping it")
    fit.add_argument("--json", action="store_true", help="print one JSON object")
    fit.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.runtime.memory import fit

    if options.ctx < 0:
        raise UsageError("--ctx can't be negative.")
    headers = _headers(options.model)
    found = fit(headers, options.ctx, kv_type=options.kv_type, mmap=not options.no_mmap)
    name = headers[0].path.name
    print(json.dumps({"model": name, **found.to_dict()}, indent=2) if options.json else _text(name, found))
    return EXIT_OK


def _headers(model: str) -> Sequence[Header]:
    """Of a file, or of one on the hub: "publisher/name:Q4_K_M" unless a file has that very name."""
    from q8chat.hub.resolve import looks_remote, resolve

    if looks_remote(model) and not Path(model).exists():
        from q8chat.hub.remote_header import read_remote_headers

        files = resolve(model)
        return read_remote_headers(files.repo, [f.path for f in files.files], files.revision)
    from q8chat.runtime.memory import read_headers

    return read_headers(Path(model))


def _text(name: str, fit: Fit) -> str:
    from q8chat.core.units import count, size
    from q8chat.runtime.kernels import summary

    verdicts = {"fits": "fits", "tight": "is tight", "too big": "is too big"}
    need = fit.prediction.footprint
    lines = [f"{name} {verdicts[fit.verdict]}: {size(need.total)} with {count(fit.n_ctx)} tokens of context"]
    lines += [f"({_SOURCES[fit.prediction.source]}), {size(fit.available)} are available.", ""]
    lines += [f"  {size(n):>10}  {_PARTS[part]}" for part, n in fit.prediction.parts().items() if n]
    longest = f"{count(fit.largest)} of {count(fit.trained)} tokens" if fit.largest else "none"
    lines += ["", f"Longest context that fits: {longest}."]
    lines += [f"Kernels (share of the multiplied weights): {summary(fit.kernels)}."]
    return "\n".join(lines)
