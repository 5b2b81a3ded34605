"""Decode and prefill of the engine against llama-bench and the high-level API, in pairs; first tokens; Stop.

    .venv/bin/python -m tests.benchmarks.engine_speed [--pairs 5]

Prints ratios of runs taken in turn on the same machine (medians, with the spread), as a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from q8chat.core import paths
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime.messages import Turn
from q8chat.runtime.sampling import Sampling
from tests.benchmarks.measured_engine import MeasuredEngine
from tests.benchmarks.peers import REPEATS, build_llama_cpp, high_level, llama_bench
from tests.benchmarks.statistics_of import machine, ratios, summary

# At temperature 0 SmolLM2 answers this without end, so that every run decodes the same 128 tokens.
ENDLESS = "What is the capital of France?"
GENERATED = 128
PROMPT = 512


def prompt_of(engine: MeasuredEngine, tokens: int) -> list[Turn]:
    """Turns whose prompt has exactly that many tokens. Each word here is one token."""
    one = Sampling(max_tokens=1)
    overhead = engine.ask([Turn("user", "x")], one).done.usage.prompt_tokens - 1
    turns = [Turn("user", "x" + " the" * (tokens - overhead - 1))]
    assert engine.ask(turns, one).done.usage.prompt_tokens == tokens
    return turns


def compare(model: Path, pairs: int, threads: int) -> None:
    """Decode and prefill, ours and theirs in turn."""
    binaries = build_llama_cpp()
    decode: dict[str, list[float]] = {"q8chat": [], "q8chat sampling": [], "llama-bench": [], "high-level": []}
    prefill: dict[str, list[float]] = {"q8chat": [], "llama-bench": []}
    for _ in range(pairs):
        with MeasuredEngine(model) as engine:
            answers = [engine.ask([Turn("user", ENDLESS)]) for _ in range(REPEATS)]
            assert all(a.done.usage.completion_tokens == GENERATED for a in answers)
            depth = answers[0].done.usage.prompt_tokens
            decode["q8chat"].append(statistics.mean(a.decode_rate for a in answers))
            sampling = Sampling(seed=1, max_tokens=GENERATED)
            sampled = [engine.ask([Turn("user", ENDLESS)], sampling) for _ in range(REPEATS)]
            decode["q8chat sampling"].append(statistics.mean(a.decode_rate for a in sampled))
            turns = prompt_of(engine, PROMPT)
        with MeasuredEngine(model) as engine:
            prefill["q8chat"].append(engine.ask(turns, Sampling(max_tokens=1)).prefill_rate)
        decode["llama-bench"].append(
            llama_bench(binaries, model, prompt=0, generate=GENERATED, threads=threads, depth=depth)
        )
        prefill["llama-bench"].append(llama_bench(binaries, model, prompt=PROMPT, generate=0, threads=threads))
        decode["high-level"].append(high_level(model, threads, ENDLESS))
    print("\n| tokens/s | Q8 Chat | peer | ratio |\n|---|---|---|---|")
    for name, ours, theirs in (
        (f"decode {GENERATED}, greedy / llama-bench", decode["q8chat"], decode["llama-bench"]),
        (f"decode {GENERATED}, default sampling / llama-bench", decode["q8chat sampling"], decode["llama-bench"]),
        (f"prefill {PROMPT} / llama-bench", prefill["q8chat"], prefill["llama-bench"]),
        (f"decode {GENERATED} / create_chat_completion", decode["q8chat"], decode["high-level"]),
    ):
        print(f"| {name} | {summary(ours)} | {summary(theirs)} | {ratios(ours, theirs)} |")


def first_token(model: Path, repeats: int) -> None:
    """Time to the first token of a second turn, after histories of several lengths."""
    print("\n| history, tokens | new tokens | first turn, s | second turn, s | the same prompt without reuse, s |")
    print("|---|---|---|---|---|")
    for history in (200, 1000, 4000):
        first, second, cold, new = [], [], [], []
        for _ in range(repeats):
            with MeasuredEngine(model) as engine:
                turns = prompt_of(engine, history)
            with MeasuredEngine(model) as engine:
                reply = engine.ask(turns, Sampling(temperature=0, max_tokens=16))
                first.append(reply.first_token)
                turns = [*turns, Turn("assistant", reply.text or "Yes."), Turn("user", "Tell me more about that.")]
                reply = engine.ask(turns, Sampling(temperature=0, max_tokens=4))
                second.append(reply.first_token)
                usage = reply.done.usage
                new.append(usage.prompt_tokens - usage.reused_tokens)
            with MeasuredEngine(model) as engine:
                cold.append(engine.ask(turns, Sampling(temperature=0, max_tokens=4)).first_token)
        columns = (summary(first, ".2f"), summary(second, ".3f"), summary(cold, ".2f"))
        print(f"| {history:,} | {statistics.median(new):.0f} | {' | '.join(columns)} |")


def stopping(model: Path, repeats: int) -> None:
    """How long Stop takes."""
    long_prompt = [Turn("user", "Summarize: " + "the whale swam past the old lighthouse once more. " * 600)]
    story = [Turn("user", "Write a very long story about a whale and a lighthouse.")]
    reading, writing = [], []
    for _ in range(repeats):
        with MeasuredEngine(model) as engine:
            reading.append(1000 * engine.seconds_to_stop(long_prompt, after_prefill=False))
            writing.append(1000 * engine.seconds_to_stop(story, after_prefill=True))
    print(f"\nStop takes, in ms: reading {summary(reading)}, writing {summary(writing)}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--model", type=Path, default=None)
    options = parser.parse_args()
    model = options.model or next(paths.bundled_models_dir().rglob("*.gguf"))
    threads = default_threads(read_topology())
    print(f"{model.name}, {threads} threads, {options.pairs} pairs; {machine()}")
    compare(model, options.pairs, threads)
    first_token(model, max(1, options.pairs // 2))
    stopping(model, options.pairs)


if __name__ == "__main__":
    main()
