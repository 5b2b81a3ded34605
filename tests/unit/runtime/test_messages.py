"""Every message crosses the pipe as it is, in one line, whatever text is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.core import errors
from q8chat.runtime.messages import (
    Delta,
    Done,
    Failed,
    Generate,
    Load,
    Loaded,
    Loading,
    Prefill,
    Progress,
    Stop,
    Turn,
    Usage,
    UseTemplate,
    Wire,
)
from q8chat.runtime.sampling import LIMITS, Sampling

TEXT = st.text(st.characters())  # with lone surrogates and NUL
FLOAT = st.floats(allow_nan=False)
NUMBER = st.integers(-(2**63), 2**63)
SAMPLING = st.builds(Sampling, FLOAT, NUMBER, FLOAT, FLOAT, FLOAT, NUMBER, NUMBER)
USAGE = st.builds(Usage, *[FLOAT if f in (3, 4, 5) else NUMBER for f in range(len(Usage.__dataclass_fields__))])
MESSAGES: dict[type[Any], st.SearchStrategy[Any]] = {
    Load: st.builds(Load, TEXT, NUMBER, NUMBER, TEXT),
    Generate: st.builds(
        Generate,
        NUMBER,
        st.lists(st.builds(Turn, TEXT, TEXT), max_size=4).map(tuple),
        SAMPLING,
        st.sampled_from(["drop_oldest", "stop"]),
    ),
    UseTemplate: st.builds(UseTemplate, TEXT),
    Stop: st.builds(Stop, NUMBER),
    Loading: st.builds(Loading, FLOAT),
    Loaded: st.builds(Loaded, TEXT, TEXT, TEXT, NUMBER, NUMBER, NUMBER, NUMBER, st.booleans(), TEXT, FLOAT, NUMBER),
    Prefill: st.builds(Prefill, NUMBER, NUMBER, NUMBER, NUMBER),
    Delta: st.builds(Delta, NUMBER, TEXT),
    Progress: st.builds(Progress, NUMBER, USAGE),
    Done: st.builds(Done, NUMBER, st.sampled_from(["stop", "length", "context", "cancelled"]), USAGE),
    Failed: st.builds(Failed, st.none() | NUMBER, TEXT, TEXT, TEXT),
}


def test_every_kind_is_tested() -> None:
    assert set(MESSAGES) == set(Wire.kinds.values())


@given(st.one_of(*MESSAGES.values()))
def test_round_trip(message: Any) -> None:
    line = Wire.encode(message)
    assert Wire.decode(line) == message
    assert type(Wire.decode(line)) is type(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.isascii()


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\nb\r\u2028c", "👩‍👩‍👧", "שלום\u202e", '"}\\', "x" * 1_000_000])
def test_odd_texts(text: str) -> None:
    assert Wire.decode(Wire.encode(Delta(1, text))).text == text


@given(st.binary(max_size=40))
def test_noise_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        Wire.decode(line)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        1,
        "x",
        {"kind": "died", "reason": "x", "expected": True},
        {"kind": "nothing"},
        {"kind": []},
        {"kind": "stop"},
        {"kind": "stop", "id": 1, "more": 2},
        {"kind": "generate", "id": 1, "turns": [{"role": "user"}], "sampling": {}},
        {"kind": "generate", "id": 1, "turns": [], "sampling": []},
        {"kind": "generate", "id": 1, "turns": [], "sampling": {"top_k": "many"}},
        {"kind": "done", "id": 1, "reason": "stop", "usage": 7},
    ],
)
def test_what_is_no_message(data: object) -> None:
    with pytest.raises(ValueError):
        Wire.decode(json.dumps(data))


@given(TEXT, TEXT)
def test_errors_cross_the_pipe_by_their_code(message: str, hint: str) -> None:
    for kind in errors._all_classes(errors.Q8Error):
        if "code" not in vars(kind):  # an inner kind of a room, which crosses as its base
            continue
        failed = Wire.decode(Wire.encode(Failed(None, kind.code, message, hint)))
        error = errors.from_code(failed.code, failed.message, failed.hint)
        assert (type(error), error.message, error.hint) == (kind, message, hint)


def test_usage_and_sampling_of_another_version() -> None:
    assert Usage.from_dict({"prompt_tokens": 3, "carbon": 1}) == Usage(prompt_tokens=3)
    assert Sampling.from_dict({"top_k": 5.0, "mirostat": 2}) == Sampling(top_k=5)
    assert LIMITS.keys() == Sampling().to_dict().keys()
