"""Chat templates come from strangers' files: real ones work as meant, broken and hostile ones cost nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from q8chat.core.errors import TemplateError
from q8chat.runtime.fallback_templates import FALLBACKS, STOP_STRINGS
from q8chat.runtime.messages import Turn
from q8chat.runtime.templates import ChatTemplate, choose_template

SYSTEM = Turn("system", "Be brief.")
TALK = [Turn("user", "Hi."), Turn("assistant", "Hello!"), Turn("user", "Who are you?")]

# As shipped in SmolLM2-135M-Instruct.
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def template(source: str) -> ChatTemplate:
    return ChatTemplate(source, "<s>", "</s>")


def render(source: str, turns: list[Turn] | None = None) -> str:
    return template(source).render(TALK if turns is None else turns)


def test_the_starter_models_own(starter_model: Path) -> None:
    assert SMOLLM2.encode() in starter_model.read_bytes()[: 8 << 20]
    assert render(SMOLLM2, [SYSTEM, TALK[0]]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi.<|im_end|>\n<|im_start|>assistant\n"
    )
    assert "named SmolLM" in render(SMOLLM2, [TALK[0]])


# How each format ends when the model is to answer, as its makers describe it.
ENDS = {
    "ChatML": "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n",
    "Llama 2": "[INST] Who are you? [/INST]",
    "Llama 3": "Who are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "Mistral": "[INST] Who are you? [/INST]",
    "Gemma": "<start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\n",
    "Phi-3": "<|user|>\nWho are you?<|end|>\n<|assistant|>\n",
    "Zephyr": "<|user|>\nWho are you?</s>\n<|assistant|>\n",
    "Alpaca": "### Instruction:\nWho are you?\n\n### Response:\n",
    "Vicuna": "USER: Who are you?\nASSISTANT:",
}


@pytest.mark.parametrize("name", FALLBACKS)
def test_built_in_templates(name: str) -> None:
    text = choose_template(name, "", "<s>", "</s>").render([SYSTEM, *TALK])
    assert text.endswith(ENDS[name])
    assert [text.count(t.content) for t in (SYSTEM, *TALK)] == [1, 1, 1, 1]
    order = [text.index(t.content) for t in (SYSTEM, *TALK)]
    assert order == sorted(order)
    assert text.count("<s>") <= text.count("</s>") + 1
    assert not any(text.endswith(s) for s in STOP_STRINGS.get(name, ()))


def test_every_stop_string_belongs_to_a_template() -> None:
    assert STOP_STRINGS.keys() <= FALLBACKS.keys()
    for name in STOP_STRINGS:
        if name != "Vicuna":
            assert any(s in FALLBACKS[name] or "{{ m.role }}" in FALLBACKS[name] for s in STOP_STRINGS[name])


def test_no_template_and_no_such_template() -> None:
    with pytest.raises(TemplateError, match="no chat template"):
        choose_template("", " \n", "", "")
    with pytest.raises(TemplateError, match="ChatML"):
        choose_template("chatty", "", "", "")


def test_broken_syntax_names_the_line() -> None:
    with pytest.raises(TemplateError, match="broken in line 3"):
        template("{# one #}\n{# two #}\n{% for x in %}")


def test_what_the_template_itself_refuses() -> None:
    with pytest.raises(TemplateError, match="refuses this conversation: Roles must alternate"):
        render("{{ raise_exception('Roles must alternate') }}")
    with pytest.raises(TemplateError) as caught:
        render("{{ raise_exception('x' * 1000000) }}")
    assert len(str(caught.value)) < 1000


NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
)


def test_a_system_prompt_that_is_refused_joins_the_first_message() -> None:
    assert render(NO_SYSTEM, [SYSTEM, *TALK]) == "[user]Be brief.\n\nHi.[assistant]Hello![user]Who are you?"
    assert render(NO_SYSTEM).startswith("[user]Hi.")
    with pytest.raises(TemplateError, match="not supported"):
        render(NO_SYSTEM, [SYSTEM])


ENDLESS = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
    "{% endfor %}{% endfor %}{% endfor %}"
)


@pytest.mark.parametrize(
    "source",
    [
        ENDLESS,
        "{% macro f() %}{% for i in range(9) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x=[1]) %}" + "{% for i in ns.x %}" * 5 + "{% endfor %}" * 5 + ENDLESS,
    ],
)
def test_a_template_without_end(source: str) -> None:
    """The system prompt would make it try twice."""
    started = time.monotonic()
    with pytest.raises(TemplateError, match=r"does not come to an end|needs too much"):
        render(source, [SYSTEM, *TALK])
    assert time.monotonic() - started < 3.5


DOUBLING = "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = STEP %}{% endfor %}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10000000000 }}",
        "{{ 'a' * (messages|length * 4000000000) }}",
        "{{ ([0] * 3000000000)|length }}",
        DOUBLING.replace("STEP", "ns.x ~ ns.x"),
        DOUBLING.replace("STEP", "ns.x + ns.x"),
        DOUBLING.replace("STEP", "ns.x.replace('a', 'aa')"),
        "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}"
        "{% set ns.x = y %}{% endfor %}",
        "{{ '%09999999999d' % 1 }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ 'x'|center(9999999999) }}",
        "{{ 'a' * 50000000 }}",
    ],
)
def test_memory_bombs(source: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateError):
        render(source)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "source",
    [
        "{{ 10 ** (10 ** 8) }}",
        "{{ (messages|length) ** 99999999 }}",
        "{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
        "{{ 2.0 ** 63 ** 63 }}",
    ],
)
def test_arithmetic_bombs(source: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateError):
        render(source)
    assert time.monotonic() - started < 3


def test_ordinary_arithmetic_still_works() -> None:
    assert render("{{ 2 ** 10 }} {{ 7 * 6 }} {{ 'ab' * 3 }} {{ 2.5 * 2 }} {{ 9 // 2 }}") == "1024 42 ababab 5.0 4"


def test_a_call_that_nothing_can_interrupt_costs_the_process_only() -> None:
    code = """
from q8chat.runtime import templates
templates.TIME_LIMIT = 0.3
templates.ChatTemplate("{{ 1|round(99999999, 'floor') }}", "", "").render([templates.Turn("user", "x")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert done.returncode == -14 or b"TemplateError" in done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__.__base__.__subclasses__()[0] }}",
        "{{ ''|attr('__class__') }}",
        "{{ raise_exception.__globals__ }}",
        "{{ strftime_now.__globals__['json'] }}",
        "{{ strftime_now.__code__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
        "{{ '{m.__class__}'.format_map({'m': messages}) }}",
        "{{ namespace.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os.name }}",
        "{% extends '/etc/passwd' %}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
    ],
)
def test_no_way_out_of_the_sandbox(source: str) -> None:
    """Refused, or an undefined nothing; never anything of Python's insides."""
    try:
        text = render(source)
    except TemplateError:
        return
    assert text == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[99].content }}",
        "{{ nothing.at.all }}",
        "{{ 1 / 0 }}",
        "{{ {}['x'].y }}",
        "{{ 'x' + 1 }}",
        "{{ 'x'|int + 'y' }}",
        "{{ cycler().next() }}",
        "{{ strftime_now(5) }}",
        "{{ strftime_now('\\ud800') }}",
        "{{ messages|tojson(indent='x', foo=1) }}",
        "{{ 'x'|nosuchfilter }}",
        "{{ 1e999 }}",
        "{{ " + "9" * 5000 + " }}",
        "{% break %}",
        "{% for a in [1] %}" * 25 + "{% endfor %}" * 25,
        "{% if 1 %}" * 120 + "{% endif %}" * 120,
        "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
        "{{ " + "(" * 30000 + "1" + ")" * 30000 + " }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ ''|join }}{% set x.y = 1 %}",
        "{% call f() %}{% endcall %}",
        "{% generation %}",
        "{{ '\\x' }}",
    ],
)
def test_every_failure_is_a_template_error(source: str) -> None:
    """Or no failure: a value that is infinite or a nesting that works out is fine too."""
    try:
        text = render(source)
    except TemplateError as e:
        assert e.message.startswith("The chat template")
        assert e.hint
        assert len(e.message) < 500
    else:
        assert len(text) < 1000


def test_an_unknown_variable_is_empty() -> None:
    assert render("{{ tools }}{% if tools %}x{% endif %}{{ enable_thinking is defined }}") == "False"


def test_what_transformers_gives_to_templates() -> None:
    assert render("{{ strftime_now('%Y') }}") == datetime.now().strftime("%Y")
    assert json.loads(render("{{ messages|tojson }}"))[0] == {"role": "user", "content": "Hi."}
    assert render("{{ {'b': 'é<', 'a': 1}|tojson }}") == '{"b": "é<", "a": 1}'
    assert render("{{ [1]|tojson(indent=1) }}") == "[\n 1\n]"
    assert render("{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}") == "<s></s>True"
    assert render("{% generation %}{{ messages[1].content }}{% endgeneration %}") == "Hello!"
    assert render(
        "{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.content }}{% endfor %}"
    )
    assert render("{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}x{% endfor %}") == "xx"
    assert render("{% if true %}\n  {# trimmed #}\n  {% endif %}\nx") == "x"


def test_any_text_passes() -> None:
    odd = "NUL \0 surrogate \ud800 שלום 👩‍👩‍👧 {{ 7 * 7 }} {% raw %} <|im_end|>"
    assert odd in render(FALLBACKS["ChatML"], [Turn("user", odd)])
