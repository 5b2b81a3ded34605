"""Which class names of checkpoints are known, and the family that converts each.

A family is a file in `convert/arch/`; it registers itself when it is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from q8chat.core.errors import CheckpointError

if TYPE_CHECKING:
    from q8chat.convert.family import Family

_families: dict[str, type[Family]] = {}
F = TypeVar("F", bound="type[Family]")


def register(*architectures: str) -> Callable[[F], F]:
    """The decorated family converts checkpoints whose config.json names one of these classes."""

    def add(family: F) -> F:
        for name in architectures:
            if name in _families:
                raise ValueError(f"{name} is converted by {_families[name].__name__} already")
            _families[name] = family
        return family

    return add


@cache
def _load() -> None:
    from q8chat.convert import arch

    for module in pkgutil.iter_modules(arch.__path__):
        importlib.import_module(f"{arch.__name__}.{module.name}")


def supported() -> list[str]:
    """The class names that can be converted, sorted."""
    _load()
    return sorted(_families)


def find(architecture: str) -> type[Family]:
    """The family of a class name. Raises CheckpointError that lists what is supported."""
    _load()
    if architecture not in _families:
        raise CheckpointError(
            f"Models of the class {architecture} can't be converted.", f"Supported are {', '.join(supported())}."
        )
    return _families[architecture]
