"""No token is evaluated twice: what to keep of the KV cache for the next prompt.

The live cache serves the next turn, an edit or a regeneration (longest common prefix). What a change of branch or
conversation would overwrite is first copied aside, and copied back when that branch is continued. When the oldest
turns are dropped, the rest is moved up instead of being read again.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

from q8chat.runtime.context import Context

SHORTEST_MOVE = 16  # tokens; a shorter common stretch after a gap is chance, not a dropped turn


@dataclass(slots=True)
class Snapshot:
    """A copy of the cache's state for `tokens`."""

    tokens: list[int]
    state: Any  # ctypes buffer

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return len(self.state)


def common(a: list[int], b: list[int]) -> int:
    """Length of the common prefix."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def find_gap(cached: list[int], wanted: list[int], prefix: int) -> int:
    """Number of cached tokens to cut out at `prefix` so that the cache goes on as `wanted`; 0 if none.

    Found: the smallest gap after which at least SHORTEST_MOVE tokens agree and nothing but the end of either list
    stops the agreement.
    """
    rest = array("i", cached[prefix:]).tobytes()
    probe = array("i", wanted[prefix : prefix + SHORTEST_MOVE]).tobytes()
    size = array("i").itemsize
    if len(probe) < SHORTEST_MOVE * size:
        return 0
    at = rest.find(probe)
    while at >= 0:
        gap, odd = divmod(at, size)
        tail = cached[prefix + gap :]
        if not odd and gap and common(tail, wanted[prefix:]) == min(len(tail), len(wanted) - prefix):
            return gap
        at = rest.find(probe, at + 1)
    return 0


class KVCache:
    """Decides what of `context` is reused; keeps copies of other branches within `budget` bytes."""

    def __init__(self, context: Context, budget: int) -> None:
        self.context = context
        self.budget = budget
        self.snapshots: list[Snapshot] = []  # least recently used first

    @property
    def n_bytes(self) -> int:
        """Memory that the copies take."""
        return sum(s.n_bytes for s in self.snapshots)

    def prepare(self, wanted: list[int]) -> int:
        """Make the cache a prefix of `wanted`, as long as possible but not all of it; return its length.

        The last token is always left to evaluate: its logits are needed.
        """
        context, limit = self.context, len(wanted) - 1
        live = common(context.tokens, wanted)
        best = max(self.snapshots, key=lambda s: common(s.tokens, wanted), default=None)
        if best and common(best.tokens, wanted) > live:
            self._keep_live()
            self.snapshots.remove(best)
            self.snapshots.append(best)
            context.load(best.state, best.tokens)
            live = common(context.tokens, wanted)
        elif (gap := find_gap(context.tokens, wanted, live)) and context.remove(live, live + gap):
            live = common(context.tokens, wanted)
        elif live < len(context.tokens):
            self._keep_live()
        return min(live, limit) if context.truncate(min(live, limit)) else 0

    def _keep_live(self) -> None:
        """Copy the live cache aside, unless a copy already has it or it is larger than the budget."""
        tokens = list(self.context.tokens)
        if not tokens or any(common(s.tokens, tokens) == len(tokens) for s in self.snapshots):
            return
        size = self.context.lib.llama_state_seq_get_size(self.context.handle, 0)
        if size > self.budget:
            return
        state = self.context.save()
        if state is None:
            return
        self.snapshots = [s for s in self.snapshots if common(s.tokens, tokens) < len(s.tokens)]
        self.snapshots.append(Snapshot(tokens, state))
        while self.n_bytes > self.budget:
            self.snapshots.pop(0)
