"""What plays out around an agent: N worlds of any environment family, stepped together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from probes.states import StateLayout


class Step(NamedTuple):
    """What one decision led to in each of N worlds."""

    observations: NDArray[np.uint8]
    """(N, T, M, H, W), the stored states that the agent sees now; of an ended episode, its last."""
    rewards: NDArray[np.float64]
    """(N,), 0 where a world stood still."""
    ended: NDArray[np.bool_]
    """(N,), whether the episode ended with this decision, for whatever reason."""
    endings: NDArray[np.str_]
    """(N,), names of the endings, `none` where the episode goes on."""


class Simulation(Protocol):
    """N worlds, each in an episode that its caller starts.

    A world whose episode has ended stands still, whatever its action, until it is restarted. A world depends
    on its seed and its actions alone, not on its neighbours. The first frame of an episode stands for those
    before it, so that no state straddles two episodes.
    """

    name: str
    """What is simulated: for example a scenario's name."""
    digest: str
    """Sha256 of everything that decides how it plays out, seeds and actions aside."""
    layout: StateLayout
    """Of the states that it shows."""
    actions: tuple[str, ...]
    """Names of its A actions."""
    num_worlds: int

    def reset(self, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start an episode in every world, by N seeds, and return the stored states (N, T, M, H, W)."""
        ...

    def restart(self, worlds: NDArray[np.bool_], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start episodes in the worlds of a mask (N,), one seed for each of them in order.

        Returns:
            The stored states (N, T, M, H, W) of all worlds.
        """
        ...

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Take one decision per world, actions being indices (N,)."""
        ...

    def situation(self) -> dict[str, NDArray[np.generic]]:
        """Copy the worlds' whole state as plain arrays (N, ...), by name."""
        ...

    def close(self) -> None:
        """Give back what it holds; closing twice is harmless."""
        ...


#: Builds a simulation of so many worlds.
SimulationFactory = Callable[[int], Simulation]
