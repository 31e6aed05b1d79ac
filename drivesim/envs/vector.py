"""Many towns as one gymnasium VectorEnv: world, images, stacking, rewards, in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from drivesim.envs.actions import action_space, control_table, to_controls
from drivesim.envs.cameras import RendererName, make_camera, make_renderer
from drivesim.envs.episodes import DEVELOPMENT, HELD_OUT, EpisodeBook, later_seed, spread_seed
from drivesim.envs.observation import FrameStack
from drivesim.envs.picture import PictureMaker
from drivesim.envs.rewards import Ending, endings, reward_terms, total_reward
from drivesim.envs.snapshot import Snapshot
from drivesim.render.camera import Frames
from drivesim.render.scene import Scene, SceneBuilder
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.state import empty_state

__all__ = [
    "DEVELOPMENT",
    "ENDING_NAMES",
    "HELD_OUT",
    "DrivingVectorEnv",
    "Observations",
    "RendererName",
    "Snapshot",
    "later_seed",
    "make_camera",
]

Observations = NDArray[np.uint8] | dict[str, NDArray[np.uint8]]
ENDING_NAMES = np.array([e.name.lower() for e in Ending])


class DrivingVectorEnv(VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """N towns stepped together, native to the batch (no processes, no copies between them).

    Observations are uint8 stacks (N, stack, modalities, H, W), oldest frame first: depth scaled by the
    camera's range, class ids, gray; or a Dict of (N, stack, H, W) per modality. Actions index the scenario's
    named list, or are (throttle less brake, steer) in [-1, 1] where the scenario says `continuous`.

    `info` holds `reward` (every term, (N,) each), `ending` ((N,) names of `Ending`), `outcome` ((N,) of
    `OUTCOME`), and on endings `episode` with the mask `_episode`.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  (gymnasium's own kind of attribute)
        "render_modes": ["rgb_array"],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "reasonable",
        renderer: RendererName = "raycast",
        *,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        observation: Literal["stack", "dict"] = "stack",
        render_mode: str | None = None,
        threads: int = 1,
    ) -> None:
        """Build N towns.

        Args:
            num_envs: N.
            scenario: a shipped name, a path, or a loaded scenario.
            renderer: `raycast`, `bullet` (the reference, slower), or `none` (observations stay zero).
            autoreset_mode: NEXT_STEP or SAME_STEP; with DISABLED the caller resets by
                `options["reset_mask"]`.
            observation: one array per stack, or a dict by modality.
            render_mode: None or `rgb_array`.
            threads: of the ray caster.

        Raises:
            ScenarioError: if the scenario is not valid.
            ValueError: for an unknown renderer, layout of observations or render mode.
        """
        self.scenario = load(scenario) if isinstance(scenario, str) else scenario
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode: found {render_mode!r}, allowed are None and 'rgb_array'")
        if observation not in ("stack", "dict"):
            raise ValueError(f"observation: found {observation!r}, allowed are 'stack' and 'dict'")
        self.num_envs, self.render_mode = num_envs, render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {
            **type(self).metadata,
            "autoreset_mode": self.autoreset_mode,
            "render_fps": self.scenario.sim.decision_hz,
        }
        self.tables = compile_tables(self.scenario)
        self.state = empty_state(num_envs, self.tables.capacity_cars, self.tables.capacity_people)
        self._as_dict = observation == "dict"
        self._stack = FrameStack(self.scenario, num_envs)
        self._builder = SceneBuilder(self.scenario, num_envs)
        self._renderer = make_renderer(renderer, self.scenario, threads)
        self._picture: PictureMaker | None = None
        self._controls = control_table(self.scenario)
        self._limit = round(self.scenario.sim.episode_s * self.scenario.sim.physics_hz)
        self._book = EpisodeBook(num_envs)
        self._make_spaces()

    def _make_spaces(self) -> None:
        self.single_observation_space = self._stack.space_by_modality if self._as_dict else self._stack.space
        self.single_action_space = action_space(self._controls)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes.

        Args:
            seed: world n starts with `seed + n`, or with `seed[n]`; later episodes' seeds follow from it.
            options: `state` (a `Snapshot` or `TownState` of N worlds to continue from) or `reset_mask`
                ((N,) bool, which worlds to restart; all others stay as they are).

        Returns:
            Observations and info.

        Raises:
            ValueError: for unknown options, or a snapshot of another scenario's capacities.
        """
        options = options or {}
        unknown = set(options) - {"state", "reset_mask"}
        if unknown:
            raise ValueError(f"options: found {sorted(unknown)}, allowed are 'state' and 'reset_mask'")
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs)), np.bool_)
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seeds: Sequence[int | None] = spread_seed(int(seed), self.num_envs)
        else:
            seeds = [None] * self.num_envs if seed is None else seed
        self._book.seed(seeds, mask, self.np_random)
        snapshot = options.get("state")
        if snapshot is not None:
            self.restore(snapshot if isinstance(snapshot, Snapshot) else Snapshot(snapshot))
        else:
            self._begin(mask)
            self._stack.replace(self._render(), self.state.town, mask)
        return self._observations(), {}

    def _begin(self, mask: NDArray[np.bool_]) -> None:
        worlds = np.flatnonzero(mask)
        advance.begin(self.state, worlds, self._book.begin(worlds), self.tables)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance all worlds by one decision; see gymnasium's `VectorEnv.step`.

        With NEXT_STEP a world whose episode ended ignores its action and returns its next episode's first
        observation; with SAME_STEP it returns that at once and `info["final_obs"]` holds the ending's.

        Raises:
            gymnasium.error.ResetNeeded: with DISABLED, if a world that has ended was not reset.
        """
        return self.step_controls(self.controls(actions))

    def controls(self, actions: NDArray[Any]) -> NDArray[np.float64]:
        """Translate actions to (N, 3) throttle, brake, steer."""
        return to_controls(actions, self._controls)

    def step_controls(
        self, controls: NDArray[np.float64], active: NDArray[np.bool_] | None = None
    ) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance by throttle, brake, steer (N, 3); with DISABLED, `active` (N,) lets worlds stand still."""
        moving, resetting = self._who_moves(active)
        outcomes = advance.step(self.state, controls, self.tables, moving)
        self._begin(resetting)
        terms = reward_terms(outcomes, self.scenario.reward)
        reasons = endings(outcomes, self.state.town["tick"] >= self._limit, self.scenario.termination)
        for array in terms.values():
            array[~moving] = 0.0
        reasons[~moving] = Ending.NONE
        rewards = total_reward(terms)
        self._stack.push(self._render(), self.state.town, resetting)
        ended = reasons != Ending.NONE
        info: dict[str, Any] = {"reward": terms, "ending": ENDING_NAMES[reasons], "outcome": outcomes}
        self._book.add(outcomes, rewards, moving)
        self._book.needs_reset |= ended
        if ended.any():
            info["episode"], info["_episode"] = self._book.report(reasons), ended
        observations = self._observations()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and ended.any():
            info["final_obs"], info["_final_obs"] = observations, ended
            self._begin(ended)
            self._stack.replace(self._render(), self.state.town, ended)
            observations = self._observations()
        return observations, rewards, ended & (reasons != Ending.TIME), reasons == Ending.TIME, info

    def _who_moves(self, active: NDArray[np.bool_] | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which worlds take this decision, and which begin an episode instead."""
        ended = self._book.needs_reset.copy()
        if self.autoreset_mode != AutoresetMode.DISABLED:
            return ~ended, ended
        moving = np.ones(self.num_envs, np.bool_) if active is None else active
        if (ended & moving).any():
            raise gym.error.ResetNeeded("an episode has ended: reset it through options['reset_mask']")
        return moving, np.zeros(self.num_envs, np.bool_)

    def _render(self) -> Frames:
        if self._renderer is None:
            return Frames(None, None, None)
        return self._renderer.render(self._builder.build(self.state))

    def _observations(self) -> Observations:
        return self._stack.stacks_by_modality() if self._as_dict else self._stack.stacks()

    def scene(self) -> Scene:
        """Build the scenes that the cameras see now; valid until the next call or step."""
        return self._builder.build(self.state)

    def snapshot(self) -> Snapshot:
        """Copy all that is needed to continue from here."""
        return Snapshot(self.state.copy(), self._stack.history())

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot of N worlds.

        Raises:
            ValueError: if it was taken in a scenario with other capacities, or of another image format.
        """
        self.state.restore(snapshot.towns)
        self._book.resume()
        if snapshot.frames is None:
            self._stack.replace(self._render(), self.state.town, np.ones(self.num_envs, np.bool_))
        else:
            self._stack.restore(snapshot.frames)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return everything as plain arrays, for a checkpoint that continues bit for bit."""
        arrays = {**self.state.plain_arrays(), **self._book.arrays()}
        return {**{name: array.copy() for name, array in arrays.items()}, "frames": self._stack.history()}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Continue from what `get_state` returned."""
        for name, array in {**self.state.plain_arrays(), **self._book.arrays()}.items():
            array[...] = state[name]
        self._stack.restore(state["frames"])

    def render(self) -> tuple[NDArray[np.uint8], ...]:
        """Return one picture (H, W, 3) per world: the camera's view in class colours, shaded.

        Raises:
            ValueError: if no render mode was chosen.
        """
        if self.render_mode is None:
            raise ValueError("render() needs render_mode='rgb_array'")
        if self._picture is None:
            self._picture = PictureMaker(make_camera(self.scenario))
        return tuple(self._picture.draw(self.scene()))

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002  (gymnasium's signature)
        """Close the renderers."""
        if self._renderer is not None:
            self._renderer.close()
        if self._picture is not None:
            self._picture.close()
