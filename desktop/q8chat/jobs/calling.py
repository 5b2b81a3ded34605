"""Calling a function of ours by name, with parameters that came over a pipe."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from q8chat.jobs import wire


def types_of(target: str) -> dict[str, Any]:
    """The annotations of the function that "module:function" names; `return` is what it returns."""
    return typing.get_type_hints(wire.find(target))


def run(target: str, params: Mapping[str, Any], given: Mapping[str, Any], *, pick: bool = False) -> Any:
    """Call "module:function" with `params` as the types it is annotated with, and what it wants of `given`.

    pick: leave out the params it does not have. Raises KeyError for those otherwise, ValueError for params of the
    wrong type, and what the function raises.
    """
    function = wire.find(target)
    hints = types_of(target)
    wanted = inspect.signature(function).parameters
    chosen = {name: value for name, value in params.items() if name in wanted or not pick}
    arguments = {name: wire.convert(value, hints[name]) for name, value in chosen.items()}
    return function(**arguments, **{name: value for name, value in given.items() if name in wanted})
