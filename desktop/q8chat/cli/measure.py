"""`q8chat measure`: what quantization cost a model, in the numbers of llama-perplexity and of the harness."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q8chat.cli.parser import EXIT_OK, Commands
from q8chat.core.errors import UsageError

if TYPE_CHECKING:
    from q8chat.evaluate.types import QualityCard
    from q8chat.jobs.measure import Measured

RESUME = "Stopped. The same command goes on from here."


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    verb = commands.add_parser("measure", help="how much a model lost against its original")
    verb.add_argument("model", metavar="MODEL", help="a GGUF file, or a model of the library")
    verb.add_argument(
        "--reference",
        metavar="FILE",
        help="the model it is compared with (default: what it was made from, if here)",
    )
    verb.add_argument("--alone", action="store_true", help="compare with nothing: the perplexity only")
    verb.add_argument("--text", type=Path, metavar="FILE", help="text to read (default: what the reference writes)")
    verb.add_argument("--conversations", action="store_true", help="read your own conversations")
    verb.add_argument("--ctx", type=int, default=512, metavar="N", help="tokens of a window (default 512)")
    verb.add_argument(
        "--chunks", type=int, default=0, metavar="N", help="windows to read (default: until the result is certain)"
    )
    verb.add_argument(
        "--precision",
        type=float,
        default=0.05,
        metavar="P",
        help="without --chunks: stop when the 95%% interval is +-P of the result (default 0.05; 0 reads all)",
    )
    verb.add_argument(
        "--tasks", action="append", type=Path, default=[], metavar="F.jsonl", help="multiple choice; repeatable"
    )
    verb.add_argument("--threads", type=int, default=0, metavar="N")
    verb.add_argument("--again", action="store_true", help="measure although the result is known")
    verb.add_argument("--json", action="store_true", help="print one JSON object; shares are 0 to 1")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if min(options.chunks, options.threads) < 0 or not 0 <= options.precision < 1:
        raise UsageError("--chunks and --threads can't be negative, and --precision is at least 0 and below 1.")
    if options.text and options.conversations:
        raise UsageError("There can be one text only.", "Give --text or --conversations.")
    if options.alone and options.reference:
        raise UsageError("--alone compares with nothing.", "Leave it or --reference out.")
    from q8chat.cli.progress import shown
    from q8chat.evaluate.types import Options
    from q8chat.jobs import measure

    model = _model(options.model)
    reference = _model(options.reference) if options.reference else None
    if not reference and not options.alone:
        reference = measure.parent(model)
    settings = Options(
        ctx=options.ctx,
        chunks=options.chunks,
        precision=options.precision,
        threads=options.threads,
        again=options.again,
    )
    with shown(f"Measuring {model.name}", quiet=options.json, on_stop=RESUME) as (progress, cancel):
        measured = measure.run(
            model,
            reference=reference,
            text=options.text,
            conversations=options.conversations,
            task_files=tuple(options.tasks),
            options=settings,
            progress=progress,
            cancel=cancel,
        )
    print(json.dumps(_object(measured), indent=2) if options.json else _text(measured))
    return EXIT_OK


def _model(text: str) -> Path:
    path = Path(text)
    if path.suffix == ".gguf" or path.exists():
        return path
    from q8chat.library.find import find

    return Path(find(text).path)


def _object(measured: Measured) -> dict[str, Any]:
    """The numbers on the top level, tasks beside them."""
    import msgspec

    plain = msgspec.to_builtins(measured)
    found = plain.pop("quality") or {}
    return {**found, **{name: value for name, value in plain.items() if value}}


def _text(measured: Measured) -> str:
    parts = [_quality(measured.quality)] if measured.quality else []
    if measured.tasks:
        parts.append(_tasks(measured))
    return "\n\n".join(parts)


def _quality(card: QualityCard) -> str:
    lines = [
        f"{card.model.name} on {card.text}: {card.chunks} windows of {card.ctx} tokens",
        f"  Perplexity             {card.perplexity:.4f} ± {card.perplexity_stderr:.4f}",
    ]
    if card.reference is None or card.mean_kld is None:
        return "\n".join(lines)
    kld, dp = card.kld_percentiles, card.dp_percentiles
    lines[0] += f", against {card.reference.name}"
    lines += [
        f"    of the reference     {card.reference_perplexity:.4f} ± {card.reference_perplexity_stderr:.4f}",
        f"  ln(perplexity ratio)   {card.ln_perplexity_ratio:.5f} ± {card.ln_perplexity_ratio_stderr:.5f}",
        f"  Mean KL divergence     {card.mean_kld:.6f} ± {card.mean_kld_stderr:.6f}",
        f"    median, maximum      {card.median_kld:.6f}, {card.max_kld:.6f}",
        f"    90, 95, 99, 99.9 %   {kld['90']:.6f}, {kld['95']:.6f}, {kld['99']:.6f}, {kld['99.9']:.6f}",
        f"  Same first choice      {card.top1_agreement:.3%} ± {card.top1_agreement_stderr:.3%}",
        f"  Right token's chance   {card.mean_dp:+.3%} ± {card.mean_dp_stderr:.3%}, RMS {card.rms_dp:.3%}",
        f"    1, 5, 95, 99 %       {dp['1']:+.3%}, {dp['5']:+.3%}, {dp['95']:+.3%}, {dp['99']:+.3%}",
    ]
    return "\n".join(lines)


def _tasks(measured: Measured) -> str:
    from q8chat.cli.columns import table

    assert measured.tasks
    before = measured.reference_tasks
    head = ["task", "file", "n", "acc", "±", "acc_norm"] + (["reference", "its acc_norm"] if before else [])
    rows = []
    for n, r in enumerate(measured.tasks.results):
        row = [r.task, r.file, str(r.examples), f"{r.acc:.2%}", f"{r.acc_stderr:.2%}", _share(r.acc_norm)]
        if before:
            row += [f"{before.results[n].acc:.2%}", _share(before.results[n].acc_norm)]
        rows.append(row)
    lines = [table(head, rows, right=range(2, len(head)))]
    if lost := measured.compared:
        lines.append(
            f"Improved: {lost['improved']:.0%} of the tasks; mean degradation {lost['mean_degradation']:.2%}."
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"
