"""A text for tests: always the same, long enough for a few chunks, with some variety."""

from __future__ import annotations

SENTENCES = (
    "The ferry leaves the island at seven and comes back with the mail.",
    "Put the onions in first, then the stock, and wait until it smells right.",
    "A lock that nobody has a key for is a wall with a hole in it.",
    "Das Boot lag die ganze Nacht im Hafen, und niemand fragte danach.",
    "for i in range(10): total += prices[i] * (1 + tax)",
    "She counted 17 herons, 4 swans and one very wet dog.",
    "Why would a copper pipe turn green, and is that a problem?",
    "El tren de las ocho no llegó, así que caminamos hasta el pueblo.",
)


def prose(sentences: int) -> str:
    """That many sentences in an order that repeats late."""
    state, lines = 1, []
    for _ in range(sentences):
        state = (1103515245 * state + 12345) % 2**31
        lines.append(SENTENCES[(state >> 16) % len(SENTENCES)])
    return "\n".join(lines) + "\n"
