"""The errors a user can meet: each has its own code and says what to do."""

from __future__ import annotations

import pytest

from q8chat.core import errors
from q8chat.core.errors import Q8Error, from_code

ALL = [cls for cls in errors._all_classes(Q8Error) if "code" in vars(cls)]


def test_every_code_is_its_own() -> None:
    assert len({cls.code for cls in ALL}) == len(ALL) > 10


@pytest.mark.parametrize("cls", ALL)
def test_an_error_is_rebuilt_from_its_code(cls: type[Q8Error]) -> None:
    error = from_code(cls.code, "It broke.", "Mend it.")
    assert type(error) is cls
    assert str(error) == "It broke. Mend it."
    assert str(from_code(cls.code, "It broke.", "")) == "It broke."


def test_an_unknown_code_is_still_an_error() -> None:
    error = from_code("of a newer version", "It broke.", "Mend it.")
    assert type(error) is Q8Error
    assert (error.message, error.hint) == ("It broke.", "Mend it.")


def test_a_class_without_a_code_of_its_own_arrives_as_its_base() -> None:
    class InsideError(errors.DownloadError):
        pass

    assert type(from_code(InsideError.code, "It broke.", "")) is errors.DownloadError
