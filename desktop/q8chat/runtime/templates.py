"""Chat templates: the model's own jinja template in a sandbox, or a built-in one the user chose.

A template comes from a stranger's file. It gets no file, no network, no Python object beyond its inputs, a bounded
time and bounded memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from q8chat.core.errors import TemplateError
from q8chat.runtime.fallback_templates import FALLBACKS
from q8chat.runtime.guard import bounded
from q8chat.runtime.messages import Turn

T = TypeVar("T")

TIME_LIMIT = 2.0  # seconds; real templates take about a millisecond
MEMORY_LIMIT = 256 << 20  # bytes
OVERHEAD = 1 << 20  # characters a template may add to the messages; real ones add a few thousand
WORDS = 300  # characters of a template's own message that are shown
CHOOSE = "Choose one of the built-in templates from the model's menu."


# Whatever a stranger's template makes Python raise (types, keys, names, nesting) is its own failure.
_ITS_OWN = (
    jinja2.TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class _Refused(Exception):  # noqa: N818  the template's own word, not a failure of ours
    """The template called raise_exception."""


class _GenerationTag(jinja2.ext.Extension):
    """Hugging Face's `{% generation %}` marks the assistant's text for training; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  jinja2's own declaration

    def parse(self, parser: Any) -> Any:
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Sandbox(ImmutableSandboxedEnvironment):
    # Arithmetic with huge integers can keep a single C call busy for hours.
    intercepted_binops = frozenset(["**", "*"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not (isinstance(right, int | float) and abs(right) < 64):
            raise jinja2.exceptions.SecurityError("the exponent is too large")
        if any(isinstance(n, int) and n.bit_length() > 1024 for n in (left, right)):
            raise jinja2.exceptions.SecurityError("the number is too large")
        return super().call_binop(context, operator, left, right)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **rest: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **rest)


def _refuse(message: Any) -> None:
    raise _Refused(str(message)[:WORDS])  # made a text here, where time and memory are bounded


def _environment() -> _Sandbox:
    # trim_blocks, lstrip_blocks, loopcontrols and tojson as in transformers, whose templates these are.
    env = _Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationTag, "jinja2.ext.loopcontrols"], cache_size=0
    )
    env.filters["tojson"] = _tojson
    env.globals["raise_exception"] = _refuse
    env.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return env


class ChatTemplate:
    """Renders turns to the text a model was trained on."""

    def __init__(self, source: str, bos: str, eos: str) -> None:
        """Raises TemplateError if the template does not parse."""
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = _guarded(lambda: _environment().from_string(source))
        except jinja2.TemplateSyntaxError as e:
            what = f"is broken in line {e.lineno}: {(e.message or '')[:WORDS]}"
            raise TemplateError(f"The chat template {what}.", CHOOSE) from e
        except _ITS_OWN as e:
            what = f"is broken: {type(e).__name__}: {str(e)[:WORDS]}"
            raise TemplateError(f"The chat template {what}.", CHOOSE) from e

    def render(self, turns: Sequence[Turn]) -> str:
        """The prompt for `turns`, ending where the assistant's answer begins.

        A template that refuses a system message gets it at the head of the first user message instead.
        Raises TemplateError.
        """
        try:
            return self._render(turns)
        except TemplateError as e:
            hopeless = isinstance(e.__cause__, TimeoutError | RecursionError | MemoryError)
            if hopeless or len(turns) < 2 or turns[0].role != "system":
                raise
            first = Turn(turns[1].role, f"{turns[0].content}\n\n{turns[1].content}")
            return self._render([first, *turns[2:]])

    def _render(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": t.role, "content": t.content} for t in turns]
        try:
            text = _guarded(
                lambda: self._template.render(messages=messages, add_generation_prompt=True, **self._tokens)
            )
        except _Refused as e:
            raise TemplateError(f"The chat template refuses this conversation: {e}.", CHOOSE) from e
        except _ITS_OWN as e:
            raise TemplateError(f"The chat template failed: {type(e).__name__}: {str(e)[:WORDS]}.", CHOOSE) from e
        if len(text) > OVERHEAD + 2 * sum(len(t.content) for t in turns):
            raise TemplateError(f"The chat template makes {len(text):,} characters of this conversation.", CHOOSE)
        return text


def _guarded(work: Callable[[], T]) -> T:
    try:
        return bounded(work, TIME_LIMIT, MEMORY_LIMIT)
    except TimeoutError as e:
        raise TemplateError(f"The chat template does not come to an end ({e}).", CHOOSE) from e
    except (RecursionError, MemoryError) as e:
        raise TemplateError(f"The chat template needs too much ({type(e).__name__}).", CHOOSE) from e


def choose_template(name: str, source: str, bos: str, eos: str) -> ChatTemplate:
    """The built-in template `name`, or with "" the model's own `source`. Raises TemplateError."""
    if name:
        if name not in FALLBACKS:
            raise TemplateError(f"There is no built-in template {name!r}.", f"There are: {', '.join(FALLBACKS)}.")
        return ChatTemplate(FALLBACKS[name], bos, eos)
    if not source.strip():
        raise TemplateError("This model has no chat template.", CHOOSE)
    return ChatTemplate(source, bos, eos)
