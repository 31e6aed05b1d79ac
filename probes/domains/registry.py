"""Which families of environments there are, which one an agent is of, and where they differ for a stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from drivesim.pilots import agent_directory
from drivesim.rl.checkpoint import CheckpointError, load_network
from probes.agent import ProbeError
from probes.agents import agents_directory, shipped_agents
from probes.data.episodes import Episodes, Odometer
from probes.data.simulation import SimulationFactory
from probes.domains import atari_agents, driving, episode_counts, realism
from probes.domains.atari import action_names, find_game
from probes.domains.atari_agents import AtariAgent, trained_agent
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation, clipped_score
from probes.domains.driving import DrivingAgent, DrivingSimulation, agent_label
from probes.domains.ego import odometer
from probes.domains.imported_agents import is_imported, load_imported
from probes.domains.viewpoint import make_viewpoint
from probes.synthesis.manifold import CouldBe

AnyAgent = DrivingAgent | AtariAgent


@dataclass(frozen=True)
class Domain:
    """A family of environments, in what stages treat it differently."""

    world: str
    """What its worlds are called; an artifact's settings name the world by it."""
    floor: str
    """The action that doing nothing takes."""
    odometer: Odometer
    """What is read of each world when its episode ends."""
    counts_clipped: bool
    """Whether that is the sum of the rewards' signs, of which a table of its own is made."""
    happened: Callable[[Episodes], dict[str, Any]]
    """Tells what came of episodes besides their returns, as plain data."""
    could_be: Callable[[Any], CouldBe | None]
    """Returns what tells which of an agent's states could be, if the domain can tell."""


def _realism(agent: DrivingAgent) -> CouldBe | None:
    return realism.judge_of(agent.layout, make_viewpoint(agent.home()))


DOMAINS = {
    "driving": Domain("scenario", "brake", odometer, False, episode_counts.of_driving, _realism),
    "atari": Domain("game", "noop", clipped_score, True, episode_counts.of_game, lambda _: None),
}
"""By the name that an agent has for it."""


def domain_of(agent: AnyAgent) -> Domain:
    """Return the family of environments that an agent acts in."""
    return DOMAINS[agent.domain]


def named_world(agent: AnyAgent) -> dict[str, str]:
    """Return where an agent learned, as an artifact's settings hold it: `{"scenario": "reasonable"}`."""
    return {domain_of(agent).world: agent.world}


def load_agent(name: str, game: str | None = None) -> AnyAgent:
    """Load an agent of any domain.

    Args:
        name: a shipped name, a run's name or directory, an agent's directory or file, or an imported agent as
            `load_imported` takes it.
        game: what an imported agent plays; of others it is known.

    Raises:
        ProbeError: there is none, it is damaged, or it does not play that game.
    """
    if is_imported(name):
        if game is None:
            raise ProbeError(f"agent {name!r}: its file names no game; say which by --game, such as pong")
        known = find_game(game)
        return load_imported(name, known, action_names(known))
    path = find_agent(name)
    try:
        network, metadata = load_network(path)
    except CheckpointError as error:
        raise ProbeError(str(error)) from error
    plays = metadata.get("game")
    if game is not None and (plays is None or find_game(game) != plays):
        does = "drives" if plays is None else f"plays {plays!r}"
        raise ProbeError(f"--game: found {game!r}, but agent {name!r} {does}; leave --game out")
    if plays is None:
        return driving.load_agent(name)
    return trained_agent(network, metadata, agent_label(name), path)


def find_agent(name: str) -> Path:
    """Find the directory of an agent that is not imported.

    Raises:
        ProbeError: there is none; the message names the nearest spelling.
    """
    if (agents_directory() / name / "agent.json").is_file():
        return agents_directory() / name
    try:
        return agent_directory(name)
    except CheckpointError as error:
        known = shipped_agents()
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        players = ", ".join([*known, "sb3:FILE.zip", "cleanrl:FILE", "module:function"])
        raise ProbeError(f"{error}; of Atari games {players}{hint}") from error


def require_driving(agent: AnyAgent, who: str) -> DrivingAgent:
    """Return an agent that drives.

    Args:
        agent: that was given.
        who: what asks for it, such as `probes braking`.

    Raises:
        ProbeError: it plays an Atari game.
    """
    if isinstance(agent, AtariAgent):
        raise ProbeError(
            f"{who} is about driving, but agent {agent.name!r} plays the Atari game {agent.game!r};"
            " give one that drives, such as reasonable-seg4"
        )
    return agent


def load_driving_agent(name: str, who: str) -> DrivingAgent:
    """Load an agent that drives, for a stage that knows driving alone.

    Raises:
        ProbeError: there is none, or it plays an Atari game.
    """
    if is_imported(name):
        raise ProbeError(f"{who} is about driving, but imported agents such as {name!r} play Atari games")
    return require_driving(load_agent(name), who)


def random_agent(like: AnyAgent, seed: int) -> AnyAgent:
    """Return the negative control: an agent of the same shape that has learned nothing.

    Args:
        like: whose layout, shape and actions it takes.
        seed: of its weights.
    """
    if isinstance(like, AtariAgent):
        return atari_agents.random_agent(like, seed)
    return driving.random_agent(like, seed)


def simulation_factory(agent: AnyAgent, scenario: str | None = None) -> SimulationFactory:
    """Return what makes the worlds that an agent acts in.

    Args:
        agent: that will act.
        scenario: in which it drives; where it learned unless given.

    Raises:
        ProbeError: a scenario is given to an agent that plays a game.
    """
    if isinstance(agent, AtariAgent):
        if scenario is not None:
            require_driving(agent, "--scenario")
        return partial(AtariSimulation, ConsoleConfig(agent.game, sticky=agent.sticky))
    return partial(DrivingSimulation, scenario or agent.home())
