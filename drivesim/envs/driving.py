"""One town as a gymnasium Env: a batch of one."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.envs.vector import DrivingVectorEnv, RendererName, Snapshot
from drivesim.scenario.schema import Scenario


class DrivingEnv(gym.Env[Any, Any]):
    """One town. Observations, actions and info are those of `DrivingVectorEnv` without the batch."""

    metadata: dict[str, Any] = {  # noqa: RUF012  (gymnasium's own kind of attribute)
        "render_modes": ["rgb_array"],
        "render_fps": 10,
    }

    def __init__(
        self,
        scenario: str | Scenario = "reasonable",
        renderer: RendererName = "bullet",
        *,
        observation: Literal["stack", "dict"] = "stack",
        render_mode: str | None = None,
    ) -> None:
        """Build one town; arguments and errors as for `DrivingVectorEnv`."""
        self.towns = DrivingVectorEnv(
            1,
            scenario,
            renderer,
            autoreset_mode=AutoresetMode.DISABLED,
            observation=observation,
            render_mode=render_mode,
        )
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "render_fps": self.towns.scenario.sim.decision_hz}
        self.observation_space = self.towns.single_observation_space
        self.action_space = self.towns.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; `options["state"]` continues from a snapshot instead."""
        super().reset(seed=seed)
        chosen = int(self.np_random.integers(1_000_000)) if seed is None else seed
        observations, _ = self.towns.reset(seed=chosen, options=options)
        return _first(observations), {"seed": chosen}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Advance by one decision; `info` carries every reward term and the reason of an ending."""
        observations, rewards, terminated, truncated, info = self.towns.step(np.asarray([action]))
        return (
            _first(observations),
            float(rewards[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            {
                "reward": {name: float(term[0]) for name, term in info["reward"].items()},
                "ending": str(info["ending"][0]),
            },
        )

    def snapshot(self) -> Snapshot:
        """Copy all that is needed to continue from here, through `reset(options={"state": ...})`."""
        return self.towns.snapshot()

    def render(self) -> NDArray[np.uint8]:
        """Return the camera's view as a picture (H, W, 3)."""
        return self.towns.render()[0]

    def close(self) -> None:
        """Close the renderers; harmless twice."""
        self.towns.close()


def _first(observations: Any) -> Any:
    if isinstance(observations, dict):
        return {name: stack[0] for name, stack in observations.items()}
    return observations[0]
