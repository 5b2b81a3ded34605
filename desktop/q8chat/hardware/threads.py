"""How many threads llama.cpp should start with; the engine adapts from there."""

from __future__ import annotations

from dataclasses import dataclass

from q8chat.hardware.topology import Topology


@dataclass(frozen=True, slots=True)
class ThreadAdvice:
    """A thread count and why, in one or two sentences."""

    threads: int
    reason: str


def default_threads(topology: Topology) -> int:
    """One thread per performance core that this process may use, at least 1."""
    return advise_threads(topology).threads


def advise_threads(topology: Topology) -> ThreadAdvice:
    """As `default_threads`, with the reason.

    Every layer ends at a barrier, so all threads wait for the slowest: efficiency cores hold the others up, and the
    two hardware threads of a core share the units that do the arithmetic.
    """
    allowed = [c for c in topology.cores if topology.allowed & set(c.cpus)]
    fast = [c for c in allowed if c.kind == "performance"]
    cores = fast or allowed
    threads = max(1, len(cores))
    reason = f"One thread for each {'performance core' if topology.of_kind('efficiency') and fast else 'core'}"
    if len(allowed) < len(topology.cores):
        reason += " that this process may use"
    reason += "."
    if topology.quota is not None and topology.quota < threads:
        threads = max(
            1, int(topology.quota + 0.05)
        )  # a container that exceeds its quota is stopped, barriers and all
        return ThreadAdvice(threads, f"A container limit grants the time of {topology.quota:.3g} CPUs.")
    skipped = []
    if fast and len(fast) < len(allowed):
        skipped.append("efficiency cores")
    if any(len(topology.allowed & set(c.cpus)) > 1 for c in cores):
        skipped.append("second hardware threads")
    if skipped:
        left_out = " and ".join(skipped)
        reason += f" {left_out[0].upper()}{left_out[1:]} are left out: they would hold the others up."
    return ThreadAdvice(threads, reason)
