"""The driving testbed as the probes see it: its agents and its towns (Sec. 4.7)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from torch import Tensor, nn

from drivesim.envs.actions import action_names
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.pilots import agent_directory
from drivesim.render.semantics import NUM_CLASSES
from drivesim.rl import checkpoint
from drivesim.rl.networks import CLASS_PLANE, ActorCritic, InputLayout
from drivesim.scenario.errors import ScenarioError
from drivesim.scenario.loader import scenario_digest
from drivesim.scenario.record import DEFINITION, recorded_scenario
from drivesim.scenario.schema import Scenario
from drivesim.world.state import CAR, EGO, PERSON, TOWN, TownState
from probes.agent import AgentOutput, ProbeError
from probes.data.simulation import Step
from probes.data.state_set import StateSet
from probes.states import Plane, StateLayout


def state_layout(layout: InputLayout) -> StateLayout:
    """Translate the layout of a driving network's input."""
    planes = tuple(
        Plane(name, "class", layout.num_classes) if name == CLASS_PLANE else Plane(name, "level")
        for name in layout.planes
    )
    return StateLayout(planes, layout.stack, layout.height, layout.width)


class DrivingAgent(nn.Module):
    """A trained driving network, frozen, as a `probes.agent.Agent`.

    Args:
        network: with a discrete policy.
        actions: names of its actions.
        name: what it is called.
        scenario: name of the scenario in which it learned.
        definition: that scenario as `drivesim.scenario.record` keeps it; a shipped one needs none.

    Raises:
        ProbeError: the policy is continuous, or there are not as many names as actions.
    """

    domain = "driving"

    def __init__(
        self,
        network: ActorCritic,
        actions: Sequence[str],
        name: str,
        scenario: str,
        definition: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if network.config.continuous or len(actions) != network.config.actions:
            kind = "continuous" if network.config.continuous else "discrete"
            raise ProbeError(
                f"agent {name!r}: found {network.config.actions} {kind} actions named {', '.join(actions)}; "
                "allowed are discrete actions with a name each"
            )
        self.network = network
        self.eval().requires_grad_(False)
        self.layout = state_layout(network.layout)
        self.actions = tuple(actions)
        self.has_critic = True
        self.name = name
        self.scenario, self.definition = scenario, definition
        self.digest = weights_digest(network)
        """Sha256 of the network's shape and weights."""

    @property
    def world(self) -> str:
        """Where it learned."""
        return self.scenario

    def home(self) -> Scenario:
        """Return the scenario in which it learned.

        Raises:
            ProbeError: it is not there any more, or not valid.
        """
        try:
            return recorded_scenario(self.scenario, self.definition, self.name)
        except ScenarioError as error:
            raise ProbeError(f"scenario of agent {self.name!r}: {error}") from error

    def forward(self, states: Tensor) -> AgentOutput:
        """Judge float states (B, T, C, H, W) in [0, 1], differentiably."""
        return AgentOutput(*self.network(states))

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        """Judge states and return the last hidden layer's activations (B, F) too."""
        seen: list[Tensor] = []
        hook = self.network.trunk.register_forward_hook(lambda *call: seen.append(call[2]))
        try:
            output = AgentOutput(*self.network(states))
        finally:
            hook.remove()
        return output, seen[0]

    @torch.no_grad()
    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        """Judge recorded states (B, T, M, H, W) without gradients, several times faster than by floats."""
        return AgentOutput(*self.network.head(self.network.prepare(stored)))


def weights_digest(network: ActorCritic) -> str:
    """Return the sha256 of a network's layout, shape and weights."""
    settings = {"layout": repr(network.layout), "network": checkpoint.network_settings(network)}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, array in sorted(checkpoint.network_arrays(network).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def load_agent(name: str) -> DrivingAgent:
    """Load a driving agent: a shipped name, a run's name or directory, or an agent's directory or file.

    Raises:
        ProbeError: there is none, it is damaged, or its policy is continuous.
    """
    try:
        path = agent_directory(name)
        network, metadata = checkpoint.load_agent(path)
    except checkpoint.CheckpointError as error:
        raise ProbeError(str(error)) from error
    actions, scenario = metadata.get("actions"), metadata.get("scenario")
    if not isinstance(actions, list) or not isinstance(scenario, str):
        raise ProbeError(
            f"{path / 'agent.json'}: names no actions or no scenario; write it by `drivesim train`"
        )
    names, definition = [str(action) for action in actions], metadata.get(DEFINITION)
    return DrivingAgent(network, names, agent_label(name), scenario, definition)


def agent_label(name: str) -> str:
    """Shorten a path to a name that may stand in an artifact on any machine."""
    parts = [part for part in name.split("/") if part not in ("agent", "agent.json", "agent.safetensors", "")]
    return parts[-1] if parts else name


def random_agent(like: DrivingAgent, seed: int) -> DrivingAgent:
    """Return the negative control: an agent of the same shape that has learned nothing.

    Args:
        like: whose layout, shape and actions it takes.
        seed: of its weights.
    """
    network = ActorCritic(like.network.layout, like.network.config, seed)
    name = f"{like.name}-random-{seed}"
    return DrivingAgent(network, like.actions, name, like.scenario, like.definition)


class DrivingSimulation:
    """N towns as a `probes.data.simulation.Simulation`.

    Args:
        scenario: a shipped name, a path, or a loaded scenario.
        num_worlds: N.
        threads: of the ray caster.

    Raises:
        ProbeError: the scenario is not valid, or its control is continuous.
    """

    def __init__(self, scenario: str | Scenario, num_worlds: int, threads: int = 1) -> None:
        try:
            self._env = DrivingVectorEnv(
                num_worlds, scenario, autoreset_mode=AutoresetMode.DISABLED, threads=threads
            )
        except ScenarioError as error:
            raise ProbeError(str(error)) from error
        shown = self._env.scenario
        if isinstance(shown.actions, str):
            self.close()
            raise ProbeError(f"scenario {shown.name!r}: found continuous control, allowed are named actions")
        self.name = shown.name
        self.digest = scenario_digest(shown)
        self.actions = tuple(action_names(shown))
        classes = NUM_CLASSES if CLASS_PLANE in shown.modalities else 0
        camera = shown.camera
        self.layout = state_layout(
            InputLayout(tuple(shown.modalities), shown.stack, camera.height, camera.width, classes)
        )
        self.num_worlds = num_worlds
        self._ended = np.ones(num_worlds, np.bool_)

    def reset(self, seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start an episode in every town, by N seeds, and return the stored states (N, T, M, H, W)."""
        return self.restart(np.ones(self.num_worlds, np.bool_), seeds)

    def restart(self, worlds: NDArray[np.bool_], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Start episodes in the towns of a mask (N,), one seed each; return the states of all towns."""
        given = iter(seeds)
        spread = [int(next(given)) if chosen else None for chosen in worlds]
        observations, _ = self._env.reset(seed=spread, options={"reset_mask": worlds})
        self._ended &= ~worlds
        return np.asarray(observations)

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Take one decision in every town whose episode has not ended."""
        controls = self._env.controls(actions)
        observations, rewards, terminated, truncated, info = self._env.step_controls(controls, ~self._ended)
        ended = terminated | truncated
        self._ended |= ended
        return Step(observations, np.asarray(rewards, np.float64), ended, info["ending"])

    def situation(self) -> dict[str, NDArray[np.generic]]:
        """Copy the towns as bytes (N, ...), by name of the part; `town_state` reads them."""
        arrays = self._env.state.plain_arrays()
        return {name: array.reshape(self.num_worlds, -1).copy() for name, array in arrays.items()}

    def close(self) -> None:
        """Close the renderer."""
        self._env.close()


def town_state(states: StateSet, indices: int | Sequence[int] | NDArray[np.integer]) -> TownState:
    """Return the towns of some recorded states.

    Args:
        states: recorded by a `DrivingSimulation`.
        indices: K of them, or one.

    Raises:
        ProbeError: the set holds no towns.
    """
    chosen = np.atleast_1d(np.asarray(indices, np.int64))
    kinds: dict[str, np.dtype[Any]] = {"town": TOWN, "ego": EGO, "cars": CAR, "people": PERSON}
    found = states.situations
    if not {"town", "ego"} <= found.keys():
        raise ProbeError(f"{states.path}: holds no towns; collect it in the driving domain")
    parts = {}
    for part in fields(TownState):
        kind = kinds[part.name]
        if part.name in found:
            records = np.ascontiguousarray(found[part.name][chosen]).view(kind)
        else:  # an array without any record is not kept
            records = np.zeros((len(chosen), 0), kind)
        parts[part.name] = records[:, 0].copy() if part.name in ("town", "ego") else records
    return TownState(**parts)
