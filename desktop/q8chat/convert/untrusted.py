"""The line between our code and files that may hold anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from q8chat.core.errors import CheckpointError

# What Python raises when a JSON value is of another form than the code expects.
UNEXPECTED = (TypeError, KeyError, AttributeError, ValueError, IndexError, ArithmeticError, RecursionError)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Values of an unexpected form inside become a CheckpointError about `what`.

    Only for code that takes JSON values apart: what is wrong with weights is said with the tensor's name.
    """
    try:
        yield
    except BaseException as e:
        # The tokenizers library raises bare Exceptions, which no narrower clause catches.
        if not isinstance(e, UNEXPECTED) and type(e) is not Exception:
            raise
        raise CheckpointError(
            f"{what} holds something of an unexpected form ({type(e).__name__}: {e}).",
            "Take the file from the original checkpoint.",
        ) from e
