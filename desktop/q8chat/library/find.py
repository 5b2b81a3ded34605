"""From what somebody types to a model: a path, a file name, `publisher/repo:QUANT`, an Ollama name."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from q8chat.core.errors import LibraryError
from q8chat.gguf_files import naming
from q8chat.library import sources, usage
from q8chat.library.rows import row
from q8chat.library.scan import scan
from q8chat.library.summary import summarise
from q8chat.library.types import Folder, LibraryModel
from q8chat.library.walk import Found

MAX_NAMED = 5  # models an error message names


def find(text: str, models: Sequence[LibraryModel] | None = None) -> LibraryModel:
    """The one model that `text` means, in any case of letters; `models` None: those of a new scan.

    Raises LibraryError when there is none, or more than one and the text does not tell which.
    """
    if models is None:
        models = scan(sources.folders(sources.chosen_folders())).models
    if os.path.isfile(text):  # noqa: PTH113 - unlike Path's it never raises
        return at_path(text, models)
    if os.sep in text and naming.is_gguf(text) and Path(text).is_absolute():
        raise LibraryError(f"There is no file {text}.", "Check the path.")
    wanted = text.strip().casefold()
    for names in WAYS:
        found = [model for model in models if wanted and wanted in {name.casefold() for name in names(model)}]
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(text, found)
    raise LibraryError(f"There is no model {text!r} on this machine.", 'See "q8chat models" for those there are.')


def at_path(path: str, models: Sequence[LibraryModel] = ()) -> LibraryModel:
    """The model that has the file `path`; one outside of the library is described by itself, with its shards.

    Raises LibraryError when there is no such file.
    """
    whole = os.path.abspath(path)  # noqa: PTH100 - unlike resolve() it keeps links, which tell repository and name
    for model in models:
        if whole in model.files:
            return model
    try:
        place = Path(whole).parent
        shard = naming.shard(Path(whole).name)
        names = [naming.shard_name(shard.base, n, shard.total) for n in range(1, shard.total + 1)] if shard else []
        files = [file for name in names if (file := place / name).is_file()] or [Path(whole)]
        founds = [Found(str(file), str(file.resolve()), file.stat()) for file in files]
    except (OSError, ValueError) as e:
        raise LibraryError(f"There is no model {path}.", "Check the path.") from e
    parts = [(found, summarise(Path(found.path))) for found in founds]
    alone = row(Folder(str(place), str(place)), parts, usage.read())
    if alone is None:
        raise LibraryError(f"{path} is no model by itself ({parts[0][1].kind}).", "Choose the model's own file.")
    return alone


def _file_names(model: LibraryModel) -> set[str]:
    names = {Path(file).name for file in model.files}
    return names | {model.name, *(naming.stem(name) for name in names)}


def _repo_names(model: LibraryModel) -> set[str]:
    """`publisher/repo:QUANT` and `publisher/repo/file.gguf`."""
    if not model.repo:
        return set()
    labels = {model.quantization, naming.quant_label(Path(model.path).name)} - {""}
    files = {f"{model.repo}/{name}" for name in _file_names(model)}
    return {f"{model.repo}:{label}" for label in labels} | files


def _bare_names(model: LibraryModel) -> set[str]:
    """Without what tells models of the same repository apart."""
    return {model.repo, model.name.removesuffix(":latest")} - {""}


WAYS: tuple[Callable[[LibraryModel], set[str]], ...] = (_file_names, _repo_names, _bare_names)


def _ambiguous(text: str, found: list[LibraryModel]) -> LibraryError:
    paths = [model.path for model in found[:MAX_NAMED]]
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return LibraryError(f"{text!r} may be {len(found)} models: {', '.join(paths)}{more}.", "Give the path of one.")
