"""Chat templates: in tokenizer_config.json, or beside it as chat_template.jinja or chat_template.json."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.keys import Keys

Templates = str | list[dict[str, str]]


def find(checkpoint: Checkpoint, tokenizer_config: dict[str, Any]) -> Templates | None:
    """One template, or several with names; what stands in tokenizer_config.json goes first."""
    found = tokenizer_config["chat_template"] if "chat_template" in tokenizer_config else _beside(checkpoint)
    return found if isinstance(found, str | list) else None


def _beside(checkpoint: Checkpoint) -> Templates | None:
    text = checkpoint.text("chat_template.jinja")
    if text is None:
        template = (checkpoint.json("chat_template.json") or {}).get("chat_template")
        return template if isinstance(template, str | list) else None
    more = sorted((checkpoint.path / "additional_chat_templates").glob("*.jinja"))
    if not more:
        return text
    named = [{"name": f.stem, "template": f.read_text(encoding="utf-8")} for f in more]
    return [{"name": "default", "template": text}, *named]


def add(keys: Keys, templates: Templates) -> None:
    """Write them: the default one under its own key, the others by name."""
    if isinstance(templates, str):
        keys.add_chat_template(templates)
        return
    default: str | None = None
    names: list[str] = []
    for choice in templates:
        name = "".join(c if c in ascii_letters + digits else "_" for c in choice.get("name", ""))
        text = choice.get("template")
        if name == "default":
            default = text
        elif name and text is not None:
            keys.add_string(f"tokenizer.chat_template.{name}", text)
            names += [name] if name not in names else []
    if names:
        keys.add_array("tokenizer.chat_templates", names)
    if default is not None:
        keys.add_chat_template(default)
