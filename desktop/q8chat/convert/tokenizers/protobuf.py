"""As much of the protobuf wire format as a SentencePiece model needs. Source: protobuf.dev, "Encoding"."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no protobuf message."""


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview | float]]:
    """Field number and value: int for varints, the bytes for strings and messages, float for 32-bit fields.

    64-bit fields are skipped. Raises WireError.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif wire == BYTES:
            length, at = _varint(data, at)
            yield number, _take(data, at, length)
            at += length
        elif wire == FIXED32:
            yield number, struct.unpack("<f", _take(data, at, 4))[0]
            at += 4
        elif wire == FIXED64:
            _take(data, at, 8)
            at += 8
        else:
            raise WireError(f"unknown wire type {wire}")


def _take(data: memoryview, at: int, length: int) -> memoryview:
    if at + length > len(data):
        raise WireError("the data ends inside a field")
    return data[at : at + length]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError("the data ends inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise WireError("a number has more than ten bytes")
