"""Decoding while another program keeps one core busy: fixed thread counts, llama-bench, and the engine that adapts.

    .venv/bin/python -m tests.benchmarks.under_load [--rounds 5]

Every round runs all settings once idle and once beside one busy process, in turn. Each is compared with the fixed
setting that has the best median, round by round.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from q8chat.core import paths
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime.messages import Turn
from q8chat.runtime.sampling import Sampling
from tests.benchmarks.engine_speed import ENDLESS
from tests.benchmarks.measured_engine import MeasuredEngine
from tests.benchmarks.peers import build_llama_cpp, llama_bench
from tests.benchmarks.statistics_of import machine, ratios, summary

TOKENS = 256
PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
ADAPTIVE = "Q8 Chat, adapting"


@contextlib.contextmanager
def busy_process(on: bool) -> Iterator[None]:
    """One process that computes without end on one core, or none."""
    if not on:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def ours(model: Path, threads: int) -> float:
    """Decode rate of the engine; threads 0: adapting."""
    with MeasuredEngine(model, threads=threads) as engine:
        return engine.ask([Turn("user", ENDLESS)], Sampling(temperature=0, max_tokens=TOKENS)).decode_rate


def settings(model: Path, threads: int) -> dict[str, Callable[[], float]]:
    """What is compared, by name."""
    binaries = build_llama_cpp()

    def bench(n: int, **env: str) -> float:
        return llama_bench(binaries, model, prompt=0, generate=TOKENS, threads=n, depth=38, **env)

    return {
        "llama-bench, 1 thread": lambda: bench(1),
        f"llama-bench, {threads} threads": lambda: bench(threads),
        f"llama-bench, {threads} threads, passive": lambda: bench(threads, **PASSIVE),
        "Q8 Chat, fixed 1 thread": lambda: ours(model, 1),
        f"Q8 Chat, fixed {threads} threads": lambda: ours(model, threads),
        ADAPTIVE: lambda: ours(model, 0),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    model = next(paths.bundled_models_dir().rglob("*.gguf"))
    threads = default_threads(read_topology())
    print(f"{model.name}, decode {TOKENS}, {options.rounds} rounds; {machine()}")
    rows = settings(model, threads)
    rates: dict[tuple[str, bool], list[float]] = {(name, load): [] for name in rows for load in (False, True)}
    for _ in range(options.rounds):
        for load in (False, True):
            for name, measure in rows.items():
                with busy_process(load):
                    rates[name, load].append(measure())
    print("\n| tokens/s | idle | of the best fixed | one core busy | of the best fixed |\n|---|---|---|---|---|")
    for name in rows:
        cells = []
        for load in (False, True):
            fixed = [rates[other, load] for other in rows if other != ADAPTIVE]
            cells += [summary(rates[name, load]), ratios(rates[name, load], max(fixed, key=statistics.median))]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
