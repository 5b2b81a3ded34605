"""One model on this machine in words: the facts of its details, and a question before deleting. No widgets."""

from __future__ import annotations

from pathlib import Path

from q8chat.core import units
from q8chat.gui import library_text
from q8chat.library.types import LibraryModel, ModelDetails


def subtitle(entry: library_text.Entry) -> str:
    """Below the name: the repository if known, and whether it is the loaded one."""
    words = [entry.model.repo or Path(entry.model.path).name]
    if entry.loaded:
        words.append("loaded now")
    return ", ".join(words)


def facts(model: LibraryModel) -> tuple[tuple[str, str], ...]:
    """What most people want to know, from the row alone."""
    files = [Path(file).name for file in model.files]
    return (
        ("Family", library_text.family(model)),
        ("Parameters", library_text.parameters(model.parameters)),
        ("Quantization", model.quantization),
        ("Size", units.size(model.size)),
        ("Context", f"{units.count(model.context_length)} tokens" if model.context_length else ""),
        ("Licence", model.licence),
        ("Last used", library_text.when(model.last_used)),
        ("Files" if len(files) > 1 else "File", "\n".join(files)),
        ("Folder", str(Path(model.path).parent)),
        ("Missing", "\n".join(model.missing)),
    )


def more_facts(details: ModelDetails) -> tuple[tuple[str, str], ...]:
    """What the header tells besides, for who wants to know all."""
    said = {"File", "Quantization", "Licence"}
    return tuple((row.label, row.value) for row in details.rows if row.label not in said)


def origin(details: ModelDetails) -> tuple[tuple[str, str], ...]:
    """Where the file came from, as far as known."""
    p = details.provenance
    return (
        ("Repository", p.repo),
        ("Revision", p.revision),
        ("File there", p.file),
        ("Made from", p.parent),
        ("How", p.how),
        ("SHA-256", details.sha256 or p.sha256),
        ("SHA-256 of the parent", p.parent_sha256),
        ("Date", library_text.when(p.date) and p.date[:10]),
        ("Made with", ", ".join(f"{name} {version}" for name, version in p.tools.items())),
    )


def deletion(model: LibraryModel, loaded: bool) -> str:
    """What the user should know before a model goes to the bin."""
    files = f"its {len(model.files)} files" if len(model.files) > 1 else "its file"
    lines = [f"{units.size(model.size)}; {files} can be taken back from the bin."]
    if loaded:
        lines.append("It is loaded now: the chat with it goes on until another model is chosen.")
    return "\n".join(lines)
