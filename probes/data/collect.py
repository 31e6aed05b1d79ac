"""The first stage: an agent plays, and every so often a state is kept (Sec. 4.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from probes.agent import Agent, NamedAgent, ProbeError
from probes.artifacts import artifact
from probes.data.episodes import Player
from probes.data.recording import Decider, Decision, Drive, Recorder
from probes.data.simulation import Simulation, SimulationFactory
from probes.data.state_set import KIND, StateSet, StateWriter, load_states
from probes.progress import Report


@dataclass(frozen=True)
class CollectConfig:
    """How states are collected."""

    fit_states: int = 10_000
    """States to fit, as many as in the paper."""
    held_out_states: int = 2_000
    """States from other seeds, that no fit sees."""
    epsilon: float = 0.1
    """Share of the decisions that are drawn uniformly, as in the paper; the agent's best action else."""
    worlds: int = 50
    """W, worlds stepped together."""
    spacing: int = 5
    """Decisions from one kept state to the next of its world. The paper keeps every state; neighbours are
    nearly equal, so that the same number of states shows five times as much of the world when spaced."""
    held_out_spacing: int | None = None
    """Likewise of the held-out ones; None: so wide that they follow episodes as far as those to fit. Fewer
    states by the same spacing would show how episodes begin, and nothing else."""
    fit_seed: int = 600_000
    """The first episode's; later ones count up from it."""
    held_out_seed: int = 1_000_000
    """Likewise; above all seeds to fit, and where the driving agents' own training never comes."""
    seed: int = 0
    """Of the draws of epsilon."""

    def __post_init__(self) -> None:
        whole = {"fit_states": 1, "held_out_states": 0, "worlds": 1, "spacing": 1, "fit_seed": 0, "seed": 0}
        for name, least in whole.items():
            if getattr(self, name) < least:
                raise ProbeError(f"{name}: found {getattr(self, name)}, allowed are {least} and more")
        if not 0.0 <= self.epsilon <= 1.0:
            raise ProbeError(f"epsilon: found {self.epsilon}, allowed are 0 to 1")
        if self.held_out_seed < self.fit_seed + self.worlds:
            raise ProbeError(
                f"held_out_seed: found {self.held_out_seed}, allowed are {self.fit_seed + self.worlds} and"
                " more, above the seeds to fit"
            )
        if self.held_out_spacing is not None and self.held_out_spacing < 1:
            raise ProbeError(f"held_out_spacing: found {self.held_out_spacing}, allowed are 1 and more")

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Return what a manifest tells; sets that know one spacing only were collected by it throughout."""
        return cls(**{"held_out_spacing": told["spacing"], **told})

    @property
    def held_out_every(self) -> int:
        """Decisions from one held-out state to the next of its world."""
        if self.held_out_spacing is not None:
            return self.held_out_spacing
        return self.spacing * max(1, self.fit_states // max(1, self.held_out_states))

    @property
    def decisions(self) -> int:
        """How many each world takes in all."""
        parts = ((self.fit_states, self.spacing), (self.held_out_states, self.held_out_every))
        return sum(1 + (math.ceil(states / self.worlds) - 1) * every for states, every in parts if states)


@dataclass(frozen=True)
class SeenThrough:
    """Worlds in which the agent acts on what a state model makes of a state.

    What such a world shows is what the model meets when it stands between agent and game, which no game
    played without it may ever show: fitting it to these states as well is DAgger (Ross et al. 2011), with the
    state model as the learner.
    """

    player: Player
    """Acts there, as `probes.measures.goggles.through` makes it."""
    model: Path
    """The state model's."""
    share: float = 0.5
    """Of the worlds, the last ones."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ProbeError(f"through_share: found {self.share}, allowed are more than 0, to 1")

    def first(self, worlds: int) -> int:
        """Return the first such world of so many."""
        return worlds - math.ceil(self.share * worlds)


def collect(
    factory: SimulationFactory,
    agent: NamedAgent,
    config: CollectConfig,
    path: Path,
    progress: Report | None = None,
    through: SeenThrough | None = None,
) -> StateSet:
    """Let an agent play and keep states, those to fit before those held out.

    Args:
        factory: makes the worlds.
        agent: what plays; frozen.
        config: how.
        path: of the artifact to write.
        progress: told of every decision.
        through: in which worlds a state model stands between; none unless given.

    Returns:
        The set that was written, opened.

    Raises:
        ProbeError: the agent does not fit the simulation, or the artifact cannot be written.
    """
    simulation = factory(config.worlds)
    try:
        check_fit(agent, simulation)
        settings = manifest_config(config, agent, simulation, through)
        parents = parents_of(through)
        with artifact.writing(path, KIND, config=settings, seed=config.seed, parents=parents) as scratch:

            def decide(drive: Drive, _decision: int, _row: int) -> Decision:
                return epsilon_greedy(agent, drive, config, through)

            _record(simulation, decide, config, scratch, progress)
    finally:
        simulation.close()
    return load_states(path, verify=False)


def parents_of(through: SeenThrough | None) -> dict[str, Path]:
    """Return the artifacts that a state set depends on."""
    return {} if through is None else {"through": through.model}


def manifest_config(
    config: CollectConfig, agent: NamedAgent, simulation: Simulation, through: SeenThrough | None = None
) -> dict[str, Any]:
    """Return what decides a state set: with `artifact.is_current` it tells whether to collect again."""
    return {
        **({} if through is None else {"through_share": through.share}),
        "collect": asdict(config),
        "agent": {"name": agent.name, "digest": agent.digest},
        "simulation": {"name": simulation.name, "digest": simulation.digest},
        "layout": simulation.layout.to_json(),
        "actions": list(simulation.actions),
    }


def check_fit(agent: Agent, simulation: Simulation) -> None:
    """Require that an agent sees what a simulation shows and acts as it allows.

    Raises:
        ProbeError: it does not.
    """
    if agent.layout != simulation.layout:
        raise ProbeError(
            f"the agent sees {agent.layout}, but simulation {simulation.name!r} shows {simulation.layout};"
            " choose an agent that was made for it"
        )
    if tuple(agent.actions) != tuple(simulation.actions):
        raise ProbeError(
            f"the agent acts by {', '.join(agent.actions)}, but simulation {simulation.name!r} offers"
            f" {', '.join(simulation.actions)}"
        )


def epsilon_greedy(
    agent: Agent, drive: Drive, config: CollectConfig, through: SeenThrough | None = None
) -> Decision:
    """Choose the agent's best action, or with probability epsilon any.

    The draws are keyed by an episode's seed and step, so that the number of worlds changes none of them.
    What the agent says is of the states themselves, in every world.
    """
    output = agent.judge(drive.states)
    scores = output.scores.float().cpu().numpy()
    best = scores.argmax(1)
    if through is not None:
        first = through.first(len(best))
        best[first:] = through.player(drive.states[first:])
    explores = _uniform(config.seed, drive.seeds, drive.steps, 0) < config.epsilon
    drawn = (_uniform(config.seed, drive.seeds, drive.steps, 1) * scores.shape[1]).astype(np.int64)
    return Decision(np.where(explores, drawn, best), scores, output.value.float().cpu().numpy())


class Rebuilt(NamedTuple):
    """How a state set that was driven anew compares with the first."""

    states: StateSet
    """The new one."""
    expected_sha256: str
    """Of the first one's frames."""
    found_sha256: str
    """Of the new one's."""
    differing: tuple[str, ...]
    """Files that are not the same."""


def rebuild(source: Path, factory: SimulationFactory, path: Path, progress: Report | None = None) -> Rebuilt:
    """Drive a state set anew by its seeds and recorded actions, without the agent.

    Args:
        source: the artifact to follow; of its files only the actions and the agent's outputs are read.
        factory: makes the worlds.
        path: of the artifact to write.
        progress: as of `collect`.

    Raises:
        ProbeError: the source is damaged, or was collected in another simulation.
    """
    known = load_states(source)
    config = CollectConfig.from_json(known.config["collect"])
    simulation = factory(config.worlds)
    try:
        found, wanted = simulation.digest, known.config["simulation"]["digest"]
        if found != wanted:
            raise ProbeError(
                f"{source}: was collected in {known.config['simulation']['name']!r} (sha256 {wanted}), not in"
                f" {simulation.name!r} (sha256 {found}); give the same one, or collect again"
            )
        with artifact.writing(path, KIND, config=known.config, seed=config.seed, parents={}) as scratch:

            def decide(_drive: Drive, decision: int, row: int) -> Decision:
                rows = slice(row, row + config.worlds)
                actions = known.taken[decision].astype(np.int64)
                return Decision(actions, known.scores[rows], known.value[rows])

            _record(simulation, decide, config, scratch, progress)
    finally:
        simulation.close()
    before, after = (artifact.load(place, KIND, verify=False).files for place in (source, path))
    differing = tuple(sorted(name for name in before if before[name] != after.get(name)))
    frames = before["frames.npy"].sha256, after["frames.npy"].sha256
    return Rebuilt(load_states(path, verify=False), *frames, differing)


def _record(
    simulation: Simulation, decide: Decider, config: CollectConfig, directory: Path, progress: Report | None
) -> None:
    """Fill the directory of a state set."""
    writer = StateWriter(directory, simulation.layout)
    total = config.decisions
    report = (lambda taken: progress(taken, total)) if progress is not None else (lambda _taken: None)
    recorder = Recorder(simulation, decide, writer, report)
    try:
        seeds = range(config.fit_seed, config.held_out_seed)
        recorder.record(config.fit_states, seeds, config.spacing, held_out=False)
        if config.held_out_states:
            seeds = range(config.held_out_seed, 2**53)
            recorder.record(config.held_out_states, seeds, config.held_out_every, held_out=True)
        writer.finish(np.stack(recorder.taken))
    finally:
        writer.close()


def _uniform(
    seed: int, episode_seeds: NDArray[np.int64], steps: NDArray[np.int64], purpose: int
) -> NDArray[np.float64]:
    """Draw from [0, 1) for each world (W,), by the key alone."""
    value = np.full(len(steps), seed, np.uint64)
    for part in (episode_seeds, steps, np.full_like(steps, purpose)):
        value = _mix(value + _GOLDEN + part.astype(np.uint64) * _GOLDEN)
    return (value >> np.uint64(11)).astype(np.float64) * 2.0**-53


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64 bits: the finaliser of SplitMix64 (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
