"""Converting a checkpoint against llama.cpp's converter and llama-quantize: whole processes, the same bytes.

    .venv/bin/python -m tests.benchmarks.convert_speed CHECKPOINT [--pairs 5] [--python PYTHON]

CHECKPOINT: a folder with bf16 safetensors, e.g. what make_checkpoint.py makes. PYTHON: one that can run the
reference converter; without it an environment with torch and transformers is made once, outside of ours.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

from tests.benchmarks.peers import build_llama_cpp
from tests.benchmarks.processes import Run, run
from tests.benchmarks.statistics_of import machine, ratios, summary

REFERENCE_PACKAGES = ("torch==2.13.0", "transformers==4.57.6", "sentencepiece", "protobuf")
COPY = (sys.executable, "-c", "import shutil, sys; shutil.copyfile(sys.argv[1], sys.argv[2])")


def reference_python() -> Path:
    """A Python that has what llama.cpp's converter needs, in an environment of its own; made once."""
    root = platformdirs.user_cache_path("q8chat-benchmarks", appauthor=False, ensure_exists=True)
    python = root / "converter" / "bin" / "python"
    if not python.exists():
        print("installing torch and transformers for the reference converter, once ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", root / "converter"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *REFERENCE_PACKAGES], check=True)
    return python


def converter() -> Path:
    """llama.cpp's converter, from the sources that llama-quantize was built from."""
    root = platformdirs.user_cache_path("q8chat-benchmarks", appauthor=False)
    found = [*root.glob("llama_cpp_python-*/vendor/llama.cpp/convert_hf_to_gguf.py")]
    if not found:
        # The build may be a link to a folder elsewhere, with the sources beside it.
        build = build_llama_cpp().resolve().parent
        found = [*build.parent.glob("llama_cpp_python-*/vendor/llama.cpp/convert_hf_to_gguf.py")]
    return found[0]


class Bench:
    """The runs on one checkpoint; every result is compared byte by byte where both make the same file."""

    def __init__(self, checkpoint: Path, python: Path, quantizer: Path, folder: Path) -> None:
        self.checkpoint, self.quantizer, self.folder = checkpoint, quantizer, folder
        self.theirs = [python, "-B", converter()]
        self.ours = [
            Path(sys.executable).with_name("q8chat"),
            "convert",
            checkpoint,
            "--no-provenance",
            "--overwrite",
        ]

    def convert(self, kind: str) -> tuple[Run, Run]:
        """Checkpoint to F16 or BF16: ours and the reference's."""
        ours, theirs = self.folder / f"ours-{kind}.gguf", self.folder / f"theirs-{kind}.gguf"
        first = run([*self.ours, "--to", kind, "-o", ours])
        second = run([*self.theirs, self.checkpoint, "--outtype", kind, "--outfile", theirs])
        return first, second

    def copy(self, kind: str) -> Run:
        """The same number of bytes copied; no Python of ours is in that time that is not in the others."""
        return run([*COPY, self.folder / f"ours-{kind}.gguf", self.folder / "copy"])

    def quantize(self, level: str, kind: str) -> tuple[Run, Run]:
        """Checkpoint to a level in one pass, and the second of the reference's two steps."""
        ours, theirs = self.folder / "ours-level.gguf", self.folder / "theirs-level.gguf"
        first = run([*self.ours, "--to", level, "-o", ours])
        theirs.unlink(missing_ok=True)
        threads = str(len(os.sched_getaffinity(0)))
        second = run([self.quantizer, self.folder / f"ours-{kind}.gguf", theirs, level, threads])
        assert filecmp.cmp(ours, theirs, shallow=False)
        return first, second


def measure(bench: Bench, pairs: int, level: str) -> None:
    """Everything in turn, and the table."""
    kinds = ("f16", "bf16")
    convert: dict[str, list[tuple[Run, Run]]] = {kind: [] for kind in kinds}
    copies, quantize = [], []
    for n in range(pairs + 1):  # the first round warms the page cache
        for kind in kinds:
            done = bench.convert(kind)
            if n:
                convert[kind].append(done)
        copied, pair = bench.copy("f16"), bench.quantize(level, "bf16")
        if n:
            copies.append(copied)
            quantize.append(pair)
        print(f"round {n} of {pairs} is done", file=sys.stderr, flush=True)
    print("\n| whole process | Q8 Chat, s | peer, s | ours / theirs | peak MiB, ours | theirs |")
    print("|---|---|---|---|---|---|")
    for kind in kinds:
        _line(f"checkpoint to {kind.upper()} / llama.cpp's converter", convert[kind])
    ours = [first for first, _ in convert["f16"]]
    _line("checkpoint to F16 / copying that file", list(zip(ours, copies, strict=True)))
    _line(f"checkpoint to {level} / llama-quantize of the BF16 file", quantize)
    both = [
        (
            first,
            Run(second.seconds + before.seconds, max(second.peak, before.peak), second.written + before.written),
        )
        for (first, second), (_, before) in zip(quantize, convert["bf16"], strict=True)
    ]
    _line(f"checkpoint to {level} / converter and llama-quantize", both)
    size = (bench.folder / "ours-level.gguf").stat().st_size / 2**20
    print(f"\nWritten for {level}: {max(first.written for first, _ in quantize) / size:.3f} of the result's size.")


def _line(what: str, pairs: list[tuple[Run, Run]]) -> None:
    ours, theirs = [a.seconds for a, _ in pairs], [b.seconds for _, b in pairs]
    peaks = f"{max(a.peak for a, _ in pairs):.0f} | {max(b.peak for _, b in pairs):.0f}"
    print(f"| {what} | {summary(ours, '.2f')} | {summary(theirs, '.2f')} | {ratios(ours, theirs)} | {peaks} |")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--level", default="Q4_K_M")
    parser.add_argument("--python", type=Path, default=None)
    parser.add_argument("--llama-quantize", type=Path, default=None)
    options = parser.parse_args()
    quantizer = options.llama_quantize or build_llama_cpp(("llama-quantize",)) / "llama-quantize"
    size = sum(f.stat().st_size for f in options.checkpoint.glob("*.safetensors")) / 2**20
    print(f"{machine()}; {options.checkpoint.name}, {size:.0f} MiB, {options.pairs} pairs")
    with tempfile.TemporaryDirectory(prefix="q8chat-convert-") as folder:
        python = options.python or reference_python()
        measure(Bench(options.checkpoint, python, quantizer, Path(folder)), options.pairs, options.level)


if __name__ == "__main__":
    main()
