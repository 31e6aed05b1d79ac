"""Many towns as one gymnasium VectorEnv: world, images, stacking, rewards, in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from drivesim.envs.observation import FrameStack
from drivesim.envs.picture import PictureMaker
from drivesim.envs.rewards import Ending, endings, reward_terms
from drivesim.render.camera import Camera, Frames
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Scene, SceneBuilder
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from drivesim.world.random import EPISODES, hash_key
from drivesim.world.state import Records, TownState, empty_state

RendererName = Literal["raycast", "bullet", "none"]
Observations = NDArray[np.uint8] | dict[str, NDArray[np.uint8]]
HELD_OUT = 1_000_000
"""Seeds from here on are for final evaluation only; an environment seeded below never draws one of them."""


@dataclass(frozen=True)
class Snapshot:
    """All that an environment needs to continue bit for bit: the towns and the frames seen so far."""

    towns: TownState
    frames: NDArray[np.uint8] | None = None
    """(N, L, M, H, W), oldest first; without them the first image stands for its past."""


def make_camera(scenario: Scenario) -> Camera:
    """Make the renderer's camera of a scenario."""
    c = scenario.camera
    return Camera(c.width, c.height, c.field_of_view, c.near, c.far)


class DrivingVectorEnv(VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """N towns stepped together, native to the batch (no processes, no copies between them).

    Observations are uint8 stacks (N, stack, modalities, H, W), oldest frame first: depth scaled by the camera's
    range, class ids, gray; or a Dict of (N, stack, H, W) per modality. Actions index the scenario's named list,
    or are (throttle less brake, steer) in [-1, 1] where the scenario says `continuous`.

    `info` holds `reward` (every term, (N,) each), `ending` ((N,) names of `Ending`), and on endings `episode`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

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
            autoreset_mode: NEXT_STEP or SAME_STEP; with DISABLED the caller resets by `options["reset_mask"]`.
            observation: one array per stack, or a dict by modality.
            render_mode: None or `rgb_array`.
            threads: of the ray caster.

        Raises:
            ScenarioError: if the scenario is not valid.
            ValueError: for an unknown renderer or render mode.
        """
        self.scenario = load(scenario) if isinstance(scenario, str) else scenario
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode: found {render_mode!r}, allowed are None and 'rgb_array'")
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
        self._renderer = _make_renderer(renderer, self.scenario, threads)
        self._picture: PictureMaker | None = None
        self._controls = _control_table(self.scenario)
        self._limit = round(self.scenario.sim.episode_s * self.scenario.sim.physics_hz)
        self._needs_reset = np.ones(num_envs, np.bool_)
        self._base_seeds = np.zeros(num_envs, np.int64)
        self._episodes = np.zeros(num_envs, np.int64)
        self._sums = {name: np.zeros(num_envs) for name in ("return", "length", "distance_m", "ran_red")}
        self._make_spaces()

    def _make_spaces(self) -> None:
        box = self._stack.space
        single: spaces.Space[Any] = box
        if self._as_dict:
            shape = (box.shape[0], *box.shape[2:])
            single = spaces.Dict(
                {name: spaces.Box(0, 255, shape, np.uint8) for name in self._stack.modalities}
            )
        self.single_observation_space = single
        self.single_action_space = (
            spaces.Box(-1.0, 1.0, (2,), np.float32)
            if self._controls is None
            else spaces.Discrete(len(self._controls))
        )
        self.observation_space = batch_space(single, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes.

        Args:
            seed: world n starts with `seed + n`, or with `seed[n]`; later episodes' seeds follow from it.
            options: `state` (a `Snapshot` or `TownState` of N worlds to continue from) or `reset_mask` ((N,) bool,
                which worlds to restart; all others stay as they are).

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
        self._seed(seed, mask)
        snapshot = options.get("state")
        if snapshot is not None:
            self.restore(snapshot if isinstance(snapshot, Snapshot) else Snapshot(snapshot))
            return self._observations(), {}
        self._begin(mask)
        self._stack.replace(self._render(), self.state.town, mask)
        return self._observations(), {}

    def _seed(self, seed: int | Sequence[int | None] | None, mask: NDArray[np.bool_]) -> None:
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
            seeds: list[int | None] = [int(seed) + n for n in range(self.num_envs)]
        else:
            seeds = [None] * self.num_envs if seed is None else list(seed)
        for n in np.flatnonzero(mask):
            chosen = seeds[n]
            if chosen is not None:
                self._base_seeds[n], self._episodes[n] = chosen, 0
            elif self._episodes[n] == 0:
                self._base_seeds[n] = self.np_random.integers(HELD_OUT)

    def _begin(self, mask: NDArray[np.bool_]) -> None:
        worlds = np.flatnonzero(mask)
        seeds = np.empty(len(worlds), np.int64)
        for i, n in enumerate(worlds):
            base, count = int(self._base_seeds[n]), int(self._episodes[n])
            seeds[i] = base if count == 0 else later_seed(base, count)
        self._episodes[worlds] += 1
        advance.begin(self.state, worlds, seeds, self.tables)
        for total in self._sums.values():
            total[worlds] = 0.0
        self._needs_reset[worlds] = False

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
        if self._controls is not None:
            return self._controls[np.asarray(actions, np.int64)]
        given = np.asarray(actions, np.float64)
        pedal = given[:, 0]
        return np.stack([np.maximum(pedal, 0.0), np.maximum(-pedal, 0.0), given[:, 1]], 1)

    def step_controls(
        self, controls: NDArray[np.float64], active: NDArray[np.bool_] | None = None
    ) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance by throttle, brake, steer (N, 3); `active` lets the caller hold worlds still (DISABLED only)."""
        resetting = self._needs_reset.copy()
        if self.autoreset_mode == AutoresetMode.DISABLED:
            moving = ~resetting if active is None else active
            if (resetting & moving).any() or (active is None and resetting.any()):
                raise gym.error.ResetNeeded("an episode has ended: reset it through options['reset_mask']")
            resetting = np.zeros(self.num_envs, np.bool_)
        else:
            moving = ~resetting
        outcomes = advance.step(self.state, controls, self.tables, moving)
        self._begin(resetting)
        terms = reward_terms(outcomes, self.scenario.reward)
        reasons = endings(outcomes, self.state.town["tick"] >= self._limit, self.scenario.termination)
        for array in terms.values():
            array[~moving] = 0.0
        reasons[~moving] = Ending.NONE
        rewards = np.sum(list(terms.values()), axis=0)
        self._stack.push(self._render(), self.state.town, resetting)
        ended = reasons != Ending.NONE
        info: dict[str, Any] = {"reward": terms, "ending": ENDING_NAMES[reasons], "outcome": outcomes}
        self._account(outcomes, rewards, moving, ended, reasons, info)
        self._needs_reset |= ended
        observations = self._observations()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and ended.any():
            info["final_obs"], info["_final_obs"] = observations, ended
            self._begin(ended)
            self._stack.replace(self._render(), self.state.town, ended)
            observations = self._observations()
        return observations, rewards, ended & (reasons != Ending.TIME), reasons == Ending.TIME, info

    def _account(
        self,
        outcomes: Records,
        rewards: NDArray[np.float64],
        moving: NDArray[np.bool_],
        ended: NDArray[np.bool_],
        reasons: NDArray[np.int8],
        info: dict[str, Any],
    ) -> None:
        """Sum up the running episodes and report those that ended, as gymnasium's RecordEpisodeStatistics does."""
        self._sums["return"] += rewards
        self._sums["length"] += moving
        self._sums["distance_m"] += outcomes["progress"]
        self._sums["ran_red"] += outcomes["ran_red"]
        if ended.any():
            episode = {name: total.copy() for name, total in self._sums.items()}
            for reason in (Ending.PERSON, Ending.CAR, Ending.OFF_ROAD):
                episode[f"ended_{reason.name.lower()}"] = (reasons == reason).astype(np.float64)
            info["episode"], info["_episode"] = episode, ended

    def _render(self) -> Frames:
        if self._renderer is None:
            return Frames(None, None, None)
        return self._renderer.render(self._builder.build(self.state))

    def _observations(self) -> Observations:
        stacks = self._stack.stacks()
        if not self._as_dict:
            return stacks
        return {name: stacks[:, :, m].copy() for m, name in enumerate(self._stack.modalities)}

    def scene(self) -> Scene:
        """Build the scenes that the cameras see now; valid until the next call or step."""
        return self._builder.build(self.state)

    def snapshot(self) -> Snapshot:
        """Copy all that is needed to continue from here."""
        length = self._stack.frames.shape[1]
        order = (self._stack.head + 1 + np.arange(length)) % length
        return Snapshot(self.state.copy(), self._stack.frames[:, order])

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot of N worlds.

        Raises:
            ValueError: if it was taken in a scenario with other capacities, or of another image format.
        """
        self.state.restore(snapshot.towns)
        self._needs_reset[:] = False
        for total in self._sums.values():
            total[:] = 0.0
        if snapshot.frames is None:
            self._stack.replace(self._render(), self.state.town, np.ones(self.num_envs, np.bool_))
            return
        if snapshot.frames.shape != self._stack.frames.shape:
            raise ValueError(
                f"snapshot frames: found {snapshot.frames.shape}, allowed is {self._stack.frames.shape}"
            )
        self._stack.head = self._stack.frames.shape[1] - 1
        self._stack.frames[:] = snapshot.frames

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return everything as plain arrays, for a checkpoint that continues bit for bit."""
        towns = {
            name: array.view(np.uint8) for name, array in self.state.copy().arrays().items() if array.size
        }
        sums = {f"sum_{name}": total.copy() for name, total in self._sums.items()}
        return {
            **towns,
            **sums,
            "frames": self.snapshot().frames,  # type: ignore[dict-item]
            "needs_reset": self._needs_reset.copy(),
            "base_seeds": self._base_seeds.copy(),
            "episodes": self._episodes.copy(),
        }

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Continue from what `get_state` returned."""
        for name, array in self.state.arrays().items():
            if array.size:
                array.view(np.uint8)[...] = state[name]
        self.restore(Snapshot(self.state, state["frames"]))
        for name, total in self._sums.items():
            total[:] = state[f"sum_{name}"]
        self._needs_reset[:] = state["needs_reset"]
        self._base_seeds[:] = state["base_seeds"]
        self._episodes[:] = state["episodes"]

    def render(self) -> tuple[NDArray[np.uint8], ...]:
        """Return one picture (H, W, 3) per world: the camera's view in class colours, shaded."""
        if self.render_mode is None:
            raise gym.error.ResetNeeded("render() needs render_mode='rgb_array'")
        if self._picture is None:
            self._picture = PictureMaker(make_camera(self.scenario))
        return tuple(self._picture.draw(self.scene()))

    def close_extras(self, **kwargs: Any) -> None:
        """Close the renderers."""
        if self._renderer is not None:
            self._renderer.close()
        if self._picture is not None:
            self._picture.close()


ENDING_NAMES = np.array([e.name.lower() for e in Ending])


def later_seed(base: int, count: int) -> int:
    """Return the seed of a world's `count`-th later episode, on the same side of `HELD_OUT` as its first."""
    first = HELD_OUT if base >= HELD_OUT else 0
    return first + int(hash_key(base, EPISODES, 0, count, 0) % np.uint64(HELD_OUT))


def _control_table(scenario: Scenario) -> NDArray[np.float64] | None:
    """List the named actions as (A, 3) throttle, brake, steer; None for continuous control."""
    if isinstance(scenario.actions, str):
        return None
    return np.array([(a.throttle, a.brake, a.steer) for a in scenario.actions.values()], np.float64)


def _make_renderer(name: RendererName, scenario: Scenario, threads: int) -> Any:
    camera, modalities = make_camera(scenario), tuple(scenario.modalities)
    if name == "raycast":
        return RaycastRenderer(camera, modalities, threads)
    if name == "bullet":
        from drivesim.render.bullet import BulletRenderer

        return BulletRenderer(camera, modalities)
    if name == "none":
        return None
    raise ValueError(f"renderer: found {name!r}, allowed are 'raycast', 'bullet' and 'none'")
