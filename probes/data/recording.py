"""The loop under `collect`: worlds go from episode to episode, and every so often their states are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.data.simulation import Simulation
from probes.data.state_set import PROVENANCE, StateWriter


class Decision(NamedTuple):
    """What is done in W worlds, and what the agent said of their states."""

    actions: NDArray[np.int64]
    """(W,)"""
    scores: NDArray[np.float32]
    """(W, A)"""
    value: NDArray[np.float32]
    """(W,)"""


class Drive:
    """W worlds on their way through one episode after another.

    Args:
        simulation: of W worlds.
        seeds: of the episodes, in the order in which they begin; where several begin at once, the lowest
            world's is first.
        first_episode: number of the first episode.

    Raises:
        ProbeError: the seeds have run out.
    """

    def __init__(self, simulation: Simulation, seeds: range, first_episode: int = 0) -> None:
        self._simulation, self._all_seeds = simulation, seeds
        self._first, self.begun = first_episode, 0
        self.seeds = np.zeros(simulation.num_worlds, np.int64)
        """(W,), of the episodes under way."""
        self.episodes = np.zeros(simulation.num_worlds, np.int64)
        """(W,), their numbers."""
        self.steps = np.zeros(simulation.num_worlds, np.int64)
        """(W,), decisions since their starts."""
        self.states = simulation.reset(self._begin(np.ones(simulation.num_worlds, np.bool_)))
        """(W, T, M, H, W), stored."""

    def step(self, actions: NDArray[np.integer]) -> None:
        """Take a decision (W,); worlds whose episodes end with it start their next ones."""
        step = self._simulation.step(actions)
        self.steps += 1
        self.states = step.observations
        if step.ended.any():
            self.states = self._simulation.restart(step.ended, self._begin(step.ended))

    def provenance(self, actions: NDArray[np.integer], held_out: bool) -> NDArray[np.void]:
        """Return where the states (W,) are from."""
        records = np.zeros(len(self.seeds), PROVENANCE)
        for name, column in (("seed", self.seeds), ("step", self.steps), ("episode", self.episodes)):
            records[name] = column
        records["world"] = np.arange(len(records))
        records["action"], records["held_out"] = actions, held_out
        return records

    def _begin(self, worlds: NDArray[np.bool_]) -> Sequence[int]:
        count = int(worlds.sum())
        seeds = self._all_seeds[self.begun : self.begun + count]
        if len(seeds) < count:
            raise ProbeError(
                f"seeds {self._all_seeds.start} to {self._all_seeds.stop - 1} have run out;"
                " choose a lower fit_seed or fewer fit_states"
            )
        self.seeds[worlds] = seeds
        self.episodes[worlds] = self._first + self.begun + np.arange(count)
        self.steps[worlds] = 0
        self.begun += count
        return seeds


#: Decides for all worlds, given where they are, how many decisions came before, and which state of the set
#: will be kept next.
Decider = Callable[[Drive, int, int], Decision]


class Recorder:
    """Records one part of a state set after another.

    Args:
        simulation: of W worlds.
        decide: what all worlds do.
        writer: takes the states that are kept.
        report: told how many decisions have been taken.
    """

    def __init__(
        self,
        simulation: Simulation,
        decide: Decider,
        writer: StateWriter,
        report: Callable[[int], None],
    ) -> None:
        self._simulation, self._decide, self._writer, self._report = simulation, decide, writer, report
        self._kept = self._episodes = 0
        self.taken: list[NDArray[np.int16]] = []
        """Of each decision so far the actions of all worlds (W,)."""

    def record(self, states: int, seeds: range, spacing: int, *, held_out: bool) -> None:
        """Start episodes in all worlds and keep so many states of them, `spacing` decisions apart."""
        drive = Drive(self._simulation, seeds, self._episodes)
        wanted, first = self._kept + states, len(self.taken)
        while True:
            decision = self._decide(drive, len(self.taken), self._kept)
            if (len(self.taken) - first) % spacing == 0:
                self._keep(drive, decision, wanted, held_out)
            self.taken.append(decision.actions.astype(np.int16))
            self._report(len(self.taken))
            if self._kept == wanted:
                self._episodes += drive.begun
                return
            drive.step(decision.actions)

    def _keep(self, drive: Drive, decision: Decision, wanted: int, held_out: bool) -> None:
        count = min(len(drive.steps), wanted - self._kept)
        situation = {name: array[:count] for name, array in self._simulation.situation().items()}
        self._writer.add(
            drive.states[:count],
            drive.provenance(decision.actions, held_out)[:count],
            decision.scores[:count],
            decision.value[:count],
            situation,
        )
        self._kept += count
