"""What the window says about the engine and its figures; plain text, no widgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from q8chat.chat.events import EngineState, EngineStatus
from q8chat.core import units
from q8chat.gui import place_text
from q8chat.runtime.messages import Overflow, Usage

SHORTEST_CONTEXT = 2048  # tokens; the shortest one that is offered
WARN_AT = 0.8  # of the context


@dataclass(frozen=True, slots=True)
class EngineView:
    """The model bar. `fraction` None: no bar. tone: muted, good, warning or danger."""

    name: str
    label: str
    tone: str = "muted"
    fraction: float | None = None
    detail: str = ""


def model_name(state: EngineState) -> str:
    """The model's own name, or its file's; "" without a model."""
    if state.loaded is not None and state.loaded.name.strip():
        return state.loaded.name.strip()
    return Path(state.path).stem


def describe(state: EngineState) -> EngineView:
    """The model bar for `state`."""
    name = model_name(state)
    match state.status:
        case EngineStatus.NONE:
            return EngineView("Choose a model", "No model loaded")
        case EngineStatus.LOADING:
            return EngineView(
                name, f"Loading {state.fraction:.0%}", fraction=state.fraction, detail=place_text.place(state.path)
            )
        case EngineStatus.DEAD:
            return EngineView(
                name or "Choose a model", "Not running", "danger", detail=place_text.place(state.path)
            )
        case EngineStatus.READING:
            done = state.prefill.done / max(1, state.prefill.total) if state.prefill else 0.0
            return EngineView(name, f"Reading prompt {done:.0%}", fraction=done, detail=model_detail(state))
        case EngineStatus.WRITING:
            return EngineView(name, "Writing", detail=model_detail(state))
        case EngineStatus.READY:
            return EngineView(name, "Ready", "good", detail=model_detail(state))


def model_detail(state: EngineState) -> str:
    """A tooltip with what is known of the loaded model."""
    loaded = state.loaded
    if loaded is None:
        return place_text.place(state.path)
    lines = [
        loaded.description,
        f"{units.size(loaded.n_bytes)} of weights, loaded in {units.seconds(loaded.load_seconds)}",
        f"Context {units.count(loaded.n_ctx)} of {units.count(loaded.n_ctx_train)} tokens",
        place_text.place(state.path),
    ]
    return "\n".join(line for line in lines if line)


def context_choices(trained: int, chosen: int) -> list[int]:
    """Context lengths to offer for a model trained with `trained` tokens (0 = not known), the chosen one too."""
    longest = max(trained, chosen)
    powers = (SHORTEST_CONTEXT << i for i in range(12))
    return sorted({n for n in powers if n <= longest} | {n for n in (trained, chosen) if n})


def needs_template(state: EngineState) -> bool:
    """Whether the user has to choose a chat template before the model can answer well."""
    loaded = state.loaded
    return loaded is not None and not state.template and (not loaded.has_template or bool(loaded.template_error))


def speed(usage: Usage) -> str:
    """Tokens per second, "" before there are any."""
    return f"{usage.decode_rate:.1f} tokens/s" if usage.decode_rate > 0 else ""


def first_token(usage: Usage) -> str:
    """Time to first token, "" before it."""
    return f"first token {units.seconds(usage.time_to_first_token)}" if usage.time_to_first_token > 0 else ""


def context(usage: Usage) -> str:
    """Context used and available."""
    if not usage.context_size:
        return ""
    return f"context {units.count(usage.context_used)} / {units.count(usage.context_size)}"


def figures(usage: Usage, memory_bytes: int) -> Iterator[tuple[str, str, str]]:
    """What the status line says of speed, context and memory; the fullest first."""
    both = "  ·  ".join(text for text in (speed(usage), first_token(usage)) if text)
    reused = f" ({units.count(usage.reused_tokens)} reused)" if usage.reused_tokens else ""
    memory = units.size(memory_bytes) if memory_bytes > 0 else ""
    yield both, context(usage) + reused, f"{memory} memory" if memory else ""
    yield both, context(usage) + reused, memory
    yield both, context(usage), memory
    yield speed(usage), context(usage), memory
    yield speed(usage), context(usage), ""


def context_tip(usage: Usage, overflow: Overflow) -> str:
    """What the gauge's tooltip says, including what will happen when the context is full."""
    if not usage.context_size:
        return ""
    share = usage.context_used / usage.context_size
    lines = [f"{share:.0%} of the model's context is used."]
    if usage.reused_tokens:
        lines.append(f"{units.count(usage.reused_tokens)} tokens of the last prompt did not have to be read again.")
    if usage.dropped_turns:
        some = "1 message" if usage.dropped_turns == 1 else f"{usage.dropped_turns} messages"
        lines.append(f"{some} from the beginning no longer fit and were left out of the prompt.")
    if overflow == "drop_oldest":
        lines.append("When it is full, the oldest messages are left out; the system prompt is kept.")
    else:
        lines.append("When it is full, the answer stops and says so.")
    if share >= WARN_AT and not usage.dropped_turns:
        lines.append("That will happen soon.")
    return "\n".join(lines)
