"""Built-in chat templates for models whose own is absent or broken. The user chooses; we do not guess.

Each is written from the format's published description; a `stop` string is given where a format has no end token.
"""

from __future__ import annotations

# A line break at the very end is written as an expression: jinja takes a bare one away.
FALLBACKS: dict[str, str] = {
    "ChatML": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant{{ '\n' }}"
    ),
    "Llama 2": (
        "{% set ns = namespace(system='') %}{{ bos_token }}"
        "{% for m in messages %}"
        "{% if m.role == 'system' %}{% set ns.system = '<<SYS>>\n' ~ m.content ~ '\n<</SYS>>\n\n' %}"
        "{% elif m.role == 'user' %}[INST] {{ ns.system }}{{ m.content }} [/INST]{% set ns.system = '' %}"
        "{% else %} {{ m.content }} {{ eos_token }}{{ bos_token }}{% endif %}"
        "{% endfor %}"
    ),
    "Llama 3": (
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
        "{{ m.content }}<|eot_id|>{% endfor %}<|start_header_id|>assistant<|end_header_id|>{{ '\n\n' }}"
    ),
    "Mistral": (
        "{% set ns = namespace(system='') %}{{ bos_token }}"
        "{% for m in messages %}"
        "{% if m.role == 'system' %}{% set ns.system = m.content ~ '\n\n' %}"
        "{% elif m.role == 'user' %}[INST] {{ ns.system }}{{ m.content }} [/INST]{% set ns.system = '' %}"
        "{% else %} {{ m.content }}{{ eos_token }}{% endif %}"
        "{% endfor %}"
    ),
    "Gemma": (
        "{% set ns = namespace(system='') %}{{ bos_token }}"
        "{% for m in messages %}"
        "{% if m.role == 'system' %}{% set ns.system = m.content ~ '\n\n' %}"
        "{% else %}<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n"
        "{{ ns.system }}{{ m.content }}<end_of_turn>\n{% set ns.system = '' %}{% endif %}"
        "{% endfor %}<start_of_turn>model{{ '\n' }}"
    ),
    "Phi-3": (
        "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "<|assistant|>{{ '\n' }}"
    ),
    "Zephyr": (
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
        "<|assistant|>{{ '\n' }}"
    ),
    "Alpaca": (
        "{% for m in messages %}"
        "{% if m.role == 'system' %}{{ m.content }}\n\n"
        "{% elif m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n"
        "{% else %}### Response:\n{{ m.content }}{{ eos_token }}\n\n{% endif %}"
        "{% endfor %}### Response:{{ '\n' }}"
    ),
    "Vicuna": (
        "{% for m in messages %}"
        "{% if m.role == 'system' %}{{ m.content }}\n\n"
        "{% elif m.role == 'user' %}USER: {{ m.content }}\n"
        "{% else %}ASSISTANT: {{ m.content }}{{ eos_token }}\n{% endif %}"
        "{% endfor %}ASSISTANT:"
    ),
}

# Texts by which a model that knows no end token begins the next turn itself.
STOP_STRINGS: dict[str, tuple[str, ...]] = {
    "ChatML": ("<|im_end|>", "<|im_start|>"),
    "Alpaca": ("### Instruction:",),
    "Vicuna": ("\nUSER:",),
    "Gemma": ("<end_of_turn>",),
    "Phi-3": ("<|end|>",),
    "Zephyr": ("<|user|>",),
    "Llama 3": ("<|eot_id|>",),
}
