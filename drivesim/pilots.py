"""Who drives: a shipped agent, a run, a file, or a scripted driver, all behind one call."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from drivesim.agents import agents_directory, shipped_agents
from drivesim.drivers import DRIVERS, Driver
from drivesim.envs.actions import action_names
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.kernels import kernel
from drivesim.rl.checkpoint import CheckpointError, load_agent
from drivesim.rl.networks import ActorCritic
from drivesim.scenario.schema import Scenario
from drivesim.world.random import EPISODES, uniform

SCRIPTED = "driver:"
"""Begins the name of a scripted driver."""


class Pilot(Protocol):
    """Chooses the controls of N towns."""

    @property
    def needs_images(self) -> bool:
        """Whether it looks at observations; scripted drivers read the state."""
        ...

    def __call__(self, env: DrivingVectorEnv, observations: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return (N, 3) throttle, brake, steer for observations (N, stack, M, H, W)."""
        ...


@dataclass(frozen=True)
class ScriptedPilot:
    """One of `drivers.DRIVERS`."""

    driver: Driver
    needs_images: bool = False

    def __call__(self, env: DrivingVectorEnv, observations: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Drive by the state; the observations are ignored."""
        del observations
        return self.driver(env.state, env.tables)


@kernel
def _gumbel(out: NDArray[np.float32], seeds: NDArray[np.int64], ticks: NDArray[np.int64]) -> None:
    for n in range(out.shape[0]):
        for a in range(out.shape[1]):
            u = uniform(seeds[n], EPISODES, a, ticks[n], 1)
            out[n, a] = -np.log(-np.log(u + 1e-12) + 1e-12)


@dataclass(frozen=True)
class NetworkPilot:
    """An actor-critic that takes its most likely action, or draws from its policy.

    Draws are keyed by a world's seed and clock, so that the batch never changes them. A continuous policy
    always takes its mean.
    """

    network: ActorCritic
    draws: bool = False
    needs_images: bool = True

    @torch.no_grad()
    def __call__(self, env: DrivingVectorEnv, observations: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Drive by the observations."""
        policy = self.network.head(self.network.prepare(observations)).policy.numpy()
        if self.network.config.continuous:
            return env.controls(np.clip(policy[:, : self.network.config.actions], -1.0, 1.0))
        if not self.draws:
            return env.controls(policy.argmax(1))
        noise = np.empty_like(policy)
        _gumbel(noise, env.state.town["seed"].copy(), env.state.town["tick"].copy())
        return env.controls((policy + noise).argmax(1))


def agent_directory(name: str) -> Path:
    """Find an agent: a shipped name, a run's name or directory, or an agent's directory or file.

    Raises:
        CheckpointError: if there is none; it names the nearest spelling.
    """
    candidates = [agents_directory() / name, Path("runs") / name / "agent", Path(name) / "agent", Path(name)]
    for path in candidates:
        if (path / "agent.json").is_file():
            return path
    if Path(name).name in ("agent.json", "agent.safetensors") and Path(name).is_file():
        return Path(name).parent
    known = [*shipped_agents(), *(f"driver:{d}" for d in DRIVERS)]
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise CheckpointError(f"no agent {name!r}: allowed are {', '.join(known)}, a run or a directory{hint}")


def load_pilot(name: str, scenario: Scenario, *, draws: bool = False) -> tuple[Pilot, dict[str, Any]]:
    """Load who drives.

    Args:
        name: as for `agent_directory`, or `driver:` and one of `drivers.DRIVERS`.
        scenario: what it will drive in; its camera and actions must be those the agent was made for.
        draws: whether a network draws its actions instead of taking the most likely ones.

    Returns:
        The pilot and the agent's metadata.

    Raises:
        CheckpointError: if there is no such agent, or it does not fit the scenario.
    """
    if name.startswith(SCRIPTED):
        driver = DRIVERS.get(name.removeprefix(SCRIPTED))
        if driver is None:
            allowed = ", ".join(f"{SCRIPTED}{d}" for d in DRIVERS)
            raise CheckpointError(f"no driver {name!r}: allowed are {allowed}")
        return ScriptedPilot(driver), {"driver": name}
    network, metadata = load_agent(agent_directory(name))
    layout, camera = network.layout, scenario.camera
    seen = (layout.planes, layout.stack, layout.height, layout.width)
    shown = (tuple(scenario.modalities), scenario.stack, camera.height, camera.width)
    if seen != shown:
        raise CheckpointError(
            f"agent {name!r} sees {seen} (modalities, stack, height, width), "
            f"scenario {scenario.name!r} shows {shown}"
        )
    actions = action_names(scenario)
    if metadata.get("actions") != actions:
        raise CheckpointError(
            f"agent {name!r} acts by {metadata.get('actions')}, scenario {scenario.name!r} offers {actions}"
        )
    return NetworkPilot(network, draws), metadata
