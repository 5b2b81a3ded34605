"""Numbers as people read them."""

from __future__ import annotations


def size(n_bytes: float) -> str:
    """Bytes with a binary unit and three significant digits: 98.9 MiB."""
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1023.5:  # what would be rounded to 1024 belongs to the next unit
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def count(n: int) -> str:
    """An integer with thousands separated: 8,192."""
    return f"{n:,}"


def parameters(n: int) -> str:
    """A number of weights with two or three digits: 135M, 1.2B, 70B; "" for 0, which is not known."""
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if n >= 0.9995 * size:
            value = n / size
            return f"{value:.1f}{letter}".replace(".0", "") if value < 9.95 else f"{value:.0f}{letter}"
    return str(n) if n else ""


def seconds(value: float) -> str:
    """A duration: 85 ms, 1.4 s, 3 min 20 s."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"
