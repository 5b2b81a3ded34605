"""Quantizing a GGUF file against llama-quantize: whole processes in pairs, the same threads, the same bytes.

    .venv/bin/python -m tests.benchmarks.quantize_speed [--pairs 5] [--threads N] [--llama-quantize PATH]

Prints medians of the ratios of their time to ours (above 1: we are faster) as a Markdown table. Our time includes
starting Python and flushing the file to the disk, which llama-quantize leaves to the system.
"""

from __future__ import annotations

import argparse
import filecmp
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import build_llama_cpp
from tests.benchmarks.statistics_of import machine, ratios, summary
from tests.unit.quantize.small_models import Shape, write_model

TYPES = ("Q8_0", "Q4_K_M")
TIME = "/usr/bin/time"


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and the largest resident memory in MiB, as /usr/bin/time tells them."""

    seconds: float
    peak: float


def run(command: Sequence[str | Path]) -> Run:
    """One whole process."""
    started = time.perf_counter()
    done = subprocess.run(
        [TIME, "-f", "peak %M", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    return Run(seconds, int(done.stderr.split()[-1]) / 1024)


def compare(model: Path, peer: Path, pairs: int, threads: int, folder: Path) -> None:
    """Both in turn, for each type; the table."""
    ours, theirs = folder / "ours.gguf", folder / "theirs.gguf"
    q8chat = [Path(sys.executable).with_name("q8chat"), "quantize", model, "-o", ours, "--no-provenance"]
    print(f"\n{machine()}, {threads} threads, {model.stat().st_size / 2**20:.0f} MiB F16, {pairs} pairs\n")
    print("| to | Q8 Chat, s | llama-quantize, s | their time / ours | peak MiB, ours | theirs |")
    print("|---|---|---|---|---|---|")
    for kind in TYPES:
        mine, others = [], []
        for n in range(pairs + 1):  # the first pair warms the page cache
            for path in (ours, theirs):
                path.unlink(missing_ok=True)
            first = run([*q8chat, "--to", kind, "--threads", str(threads)])
            second = run([peer, model, theirs, kind, str(threads)])
            assert filecmp.cmp(ours, theirs, shallow=False)
            if n:
                mine.append(first)
                others.append(second)
        times, their_times = [r.seconds for r in mine], [r.seconds for r in others]
        print(
            f"| {kind} | {summary(times, '.2f')} | {summary(their_times, '.2f')} | {ratios(their_times, times)} "
            f"| {max(r.peak for r in mine):.0f} | {max(r.peak for r in others):.0f} |",
            flush=True,
        )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=24, help="of the model of random weights, 25 MiB each")
    parser.add_argument("--llama-quantize", type=Path, help="built already (default: build it, once)")
    options = parser.parse_args()
    peer = options.llama_quantize or build_llama_cpp(("llama-quantize",)) / "llama-quantize"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = Shape(layers=options.layers, width=1024, ffn=3072, vocab=32000, heads=16, kv_heads=16, tied=False)
        model = write_model(folder / "model-F16.gguf", shape)
        compare(model, peer, options.pairs, options.threads, folder)


if __name__ == "__main__":
    main()
