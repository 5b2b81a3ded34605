"""Predicted against measured memory, as a Markdown table: `python -m tests.benchmarks.memory_table MODEL.gguf ...`

Each line is a real engine process that read a prompt longer than a micro-batch and wrote a few tokens. Measured is
its resident memory at the end of that answer. The KV cache is written at the start, so all that a full context adds
is the rest of the attention masks and of the lists of tokens: "full" is what the engine itself keeps as the measure
of a full context (runtime/measured_engine.py); with --prompt 0 the context is really filled. Predictions come from
the header alone: no measurement of an earlier line corrects them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from q8chat.core.units import count
from q8chat.gguf_files.header import Header
from q8chat.runtime import measured
from q8chat.runtime.footprint import KV_TYPES, estimate
from q8chat.runtime.memory import read_headers
from q8chat.runtime.messages import Turn
from q8chat.runtime.sampling import Sampling
from tests.unit.runtime import engine_driver

MIB = 1 << 20
ANSWER = Sampling(temperature=0.8, seed=1, max_tokens=16)
PROMPT = 700  # words, about as many tokens
PATIENCE = 10.0  # seconds for the engine to note what it measured
ROOM = 96  # tokens for the template and the answer


class Line(NamedTuple):
    """Bytes."""

    predicted: int
    measured: int
    full: int  # measured, for a full context
    used: int  # tokens in the cache

    @property
    def error(self) -> float:
        """Of the prediction, in percent of the measure of a full context."""
        return 100 * (self.predicted / self.full - 1)


def measure(model: Path, n_ctx: int, kv_type: str, mmap: bool, prompt: int) -> Line:
    """Load, answer, look."""
    headers = read_headers(model)
    driver = engine_driver.Driver()
    try:
        loaded = driver.load(model, n_ctx=n_ctx, template="ChatML", kv_type=kv_type, mmap=mmap)
        words = " ".join(["the"] * min(prompt, n_ctx - ROOM))
        usage = driver.ask([Turn("user", words)], ANSWER, "stop").done.usage
        full = noted(headers, loaded.n_ctx, kv_type, mmap)
    finally:
        driver.client.close()
    predicted = estimate(headers, loaded.n_ctx, kv_type=kv_type, mmap=mmap).total
    return Line(predicted, usage.memory, full, usage.context_used)


def noted(headers: Sequence[Header], n_ctx: int, kv_type: str, mmap: bool) -> int:
    """What the engine has kept as the measure of a full context."""
    key = (measured.identity(headers), n_ctx, kv_type, mmap)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if full := next((m.full for m in measured.known() if m.key == key), 0):
            return full
        time.sleep(0.05)
    raise SystemExit("The engine has not noted what it measured.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--ctx", nargs="+", type=int, default=[512, 4096, 0], help="0: the longest of the model")
    parser.add_argument("--kv-type", nargs="+", choices=KV_TYPES, default=["f16", "q8_0"])
    parser.add_argument("--prompt", type=int, default=PROMPT, help="words; 0: fill the context")
    options = parser.parse_args()
    engine_driver.TIMEOUT = 1200.0
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()
    print("| model | context | KV | mmap | predicted, MiB | tokens used | measured, MiB | full, MiB | error |")
    print("|---|---|---|---|---|---|---|---|---|")
    for model in options.models:
        longest = read_headers(model)[0].integer("context_length")
        for n_ctx in dict.fromkeys(n or longest for n in options.ctx):
            for kv_type in options.kv_type:
                for mmap in (True, False):
                    line = measure(model, n_ctx, kv_type, mmap, options.prompt or n_ctx)
                    seen = f"{count(line.used)} | {line.measured / MIB:.1f} | {line.full / MIB:.1f}"
                    how = f"{count(n_ctx)} | {kv_type} | {'yes' if mmap else 'no'}"
                    print(
                        f"| {model.stem} | {how} | {line.predicted / MIB:.1f} | {seen} | {line.error:+.1f} % |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
