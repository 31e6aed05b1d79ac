"""Driving as `probes.replay` asks for it: seeds driven in a scenario, and the worst hit on film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from drivesim.evaluation import Episode, drive
from drivesim.pilots import SCRIPTED, Pilot, load_pilot
from drivesim.recording import Shot, drive_shots, film
from drivesim.render.actors import FIRST_PERSON
from drivesim.render.video import write_video
from drivesim.rl.checkpoint import CheckpointError
from drivesim.scenario.errors import ScenarioError
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario
from probes.agent import ProbeError
from probes.domains.driving import DrivingAgent, load_agent
from probes.replay import Outcome

HIT = "person"
"""The ending that is counted."""
FILM_S = 8.0
"""s before a hit that are filmed."""
_TRIES = 3
"""Hits that are driven again for each film wanted: rounding may differ, and an episode with it."""


def pilot_identity(name: str) -> dict[str, str | None]:
    """Name a driver and the weights it has: an agent as for `load_agent`, or `driver:blind` and the like.

    Raises:
        ProbeError: there is no such agent.
    """
    if name.startswith(SCRIPTED):
        return {"name": name.removeprefix(SCRIPTED), "digest": None}
    agent = load_agent(name)
    return {"name": agent.name, "digest": agent.digest}


def can_film() -> bool:
    """Tell whether PyBullet, which draws the car from behind, is installed."""
    return find_spec("pybullet") is not None


def load_scenario(name: str) -> Scenario:
    """Load a scenario: a shipped name, or a path.

    Raises:
        ProbeError: it is not valid.
    """
    try:
        return load(name)
    except ScenarioError as error:
        raise ProbeError(str(error)) from error


def chosen_scenario(given: str | None, agent: DrivingAgent) -> Scenario:
    """Return the scenario that was asked for; the one in which an agent learned if none was.

    Raises:
        ProbeError: it is not there, or not valid.
    """
    return load_scenario(given) if given else agent.home()


def load_driver(agent: str, scenario: Scenario) -> Pilot:
    """Load who drives, greedily: as for `pilot_identity`.

    Raises:
        ProbeError: there is no such agent, or it does not fit the scenario.
    """
    try:
        return load_pilot(agent, scenario)[0]
    except CheckpointError as error:
        raise ProbeError(str(error)) from error


def drive_seeds(
    agent: str, scenario: str, seeds: Sequence[int], on_episode: Callable[[int], None] | None = None
) -> list[Outcome]:
    """Drive one episode per seed.

    Args:
        agent: who, as for `pilot_identity`.
        scenario: where.
        seeds: of the episodes.
        on_episode: told how many have ended.

    Raises:
        ProbeError: the agent or the scenario is not there, or they do not fit.
    """
    where = load_scenario(scenario)
    episodes = drive(where, load_driver(agent, where), seeds, on_episode=on_episode)
    return [as_outcome(episode) for episode in episodes]


def as_outcome(episode: Episode) -> Outcome:
    """Translate what `drivesim` says of an episode."""
    return Outcome(
        start=episode.seed,
        ending=episode.ending,
        metres=episode.distance_m,
        seconds=episode.time_s,
        is_hit=episode.ending == HIT,
        is_avoidable=bool(episode.is_avoidable),
        impact=abs(episode.end_speed_mps),
    )


@dataclass(frozen=True)
class Film:
    """A film of an episode's last seconds."""

    file: str
    """Its name."""
    agent: str
    scenario: str
    seed: int
    impact: float
    """m/s, of the ego when it hit."""
    seconds: float
    """Before the hit, that it shows."""


def film_worst(
    agent: str, scenario: str, hits: Sequence[Outcome], directory: Path, films: int, last_s: float = FILM_S
) -> list[Film]:
    """Film the worst hits; one that does not happen again when driven alone is passed over.

    Args:
        agent: who drove, as for `pilot_identity`.
        scenario: where.
        hits: as `probes.replay.worst` orders them.
        directory: where to write.
        films: how many at most.
        last_s: s before the hit that are filmed.

    Raises:
        ImportError: PyBullet is not installed.
        ProbeError: as of `drive_seeds`.
    """
    where = load_scenario(scenario)
    pilot, label = load_driver(agent, where), str(pilot_identity(agent)["name"])
    made: list[Film] = []
    for hit in hits[: films * _TRIES]:
        if len(made) == films:
            break
        shots = drive_shots(where, pilot, hit.start, last_s)
        struck = shots[-1].struck
        if struck is not None and struck >= FIRST_PERSON:
            made.append(_write(where, shots, hit, label, directory, rank=len(made) + 1))
    return made


def _write(
    scenario: Scenario, shots: list[Shot], hit: Outcome, agent: str, directory: Path, rank: int
) -> Film:
    name = f"{agent}-{scenario.name}-{rank}.mp4"
    hz = scenario.sim.decision_hz
    title = f"{agent} in {scenario.name}, seed {hit.start}"
    write_video(directory / name, film(scenario, shots, title), fps=hz)
    impact = abs(float(shots[-1].towns.ego["speed"][0]))
    return Film(name, agent, scenario.name, hit.start, impact, (len(shots) - 1) / hz)
