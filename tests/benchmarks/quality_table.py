"""Measuring against llama-perplexity: the same numbers, time, memory and disk, as a Markdown table.

    .venv/bin/python -m tests.benchmarks.quality_table REFERENCE.gguf TEXT MODEL.gguf ... [--chunks 20]
        [--llama-perplexity PATH] [--threads N]

llama-perplexity reads the text with the reference first and writes its logits to a file, then with each model; its
time for a model is that of both runs, as ours is. Both are whole processes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import build_llama_cpp
from tests.benchmarks.processes import TIME
from tests.benchmarks.statistics_of import machine

MIB = 2**20
NUMBER = r" *: *(\S+)"


@dataclass(frozen=True)
class Run:
    """Wall time in seconds, peak resident memory and disk space used on the way in MiB; what was printed."""

    seconds: float
    peak: float
    disk: float
    output: str

    def number(self, name: str) -> float:
        """As llama-perplexity printed it."""
        found = re.search(re.escape(name) + NUMBER, self.output)
        assert found, f"llama-perplexity did not print {name}"
        return float(found[1].rstrip("%"))


def run(command: Sequence[str | Path], disk: Path, **env: str) -> Run:
    """One whole process; `disk`: the file or folder it keeps its data in."""
    started = time.perf_counter()
    done = subprocess.run(
        [TIME, "-f", "peak %M", *map(str, command)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ, **env),
    )
    seconds = time.perf_counter() - started
    used = sum(p.stat().st_size for p in (disk.rglob("*") if disk.is_dir() else [disk]) if p.is_file())
    return Run(seconds, int(done.stderr.split()[-1]) / 1024, used / MIB, done.stdout + done.stderr)


def compare(options: argparse.Namespace, peer: Path) -> None:
    """The table, a line for each model."""
    reference, text, chunks, threads = options.reference, options.text, options.chunks, options.threads
    print(f"\n{machine()}, {threads} threads, {reference.name}, {chunks} chunks of 512 of {text.name}\n")
    print("| model | mean KLD, ours | theirs | same top, ours | theirs | PPL, ours | theirs ", end="")
    print("| time ours/theirs | peak MiB, ours | theirs | disk MiB, ours | theirs |")
    print("|---|" + "---|" * 11, flush=True)
    ctx = ["-c", "512", "-t", str(threads)]
    q8chat = [Path(sys.executable).with_name("q8chat"), "measure"]
    given = ["--reference", reference, "--text", text, "--chunks", str(chunks), "--threads", str(threads), "--json"]
    for model in options.models:
        with tempfile.TemporaryDirectory() as name:
            home, logits = Path(name, "home"), Path(name, "logits")
            keep = ["--kl-divergence-base", logits]
            first = run([peer, "-m", reference, "-f", text, "--chunks", str(chunks), *ctx, *keep], logits)
            theirs = run([peer, "-m", model, "--kl-divergence", *ctx, *keep], logits)
            homes = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
            ours = run([*q8chat, model, *given], home, **homes)
        card = json.loads(ours.output[: ours.output.rindex("}") + 1])
        numbers = (
            f"{card['mean_kld']:.6f} | {theirs.number('Mean    KLD'):.6f} | {100 * card['top1_agreement']:.3f} %"
            f" | {theirs.number('Same top p'):.3f} % | {card['perplexity']:.4f}"
            f" | {theirs.number('Mean PPL(Q)'):.4f}"
        )
        times = f"{ours.seconds:.1f} / {first.seconds + theirs.seconds:.1f} s"
        peak = f"{ours.peak:.0f} | {max(first.peak, theirs.peak):.0f}"
        print(f"| {model.stem} | {numbers} | {times} | {peak} | {ours.disk:.1f} | {theirs.disk:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--llama-perplexity", type=Path)
    options = parser.parse_args()
    peer = options.llama_perplexity or build_llama_cpp(["llama-perplexity"]) / "llama-perplexity"
    compare(options, peer)


if __name__ == "__main__":
    main()
