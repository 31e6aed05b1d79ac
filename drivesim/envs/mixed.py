"""Towns of several scenarios as one gymnasium VectorEnv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from drivesim.envs.episodes import spread_seed
from drivesim.envs.vector import DrivingVectorEnv


class MixedVectorEnv(VectorEnv[Any, NDArray[Any], NDArray[Any]]):
    """The worlds of several `DrivingVectorEnv`s in a row, stepped one batch after the other.

    World n drives as it would with the same seed in its own scenario alone. Observations, rewards and all of
    `info` are those of the parts, joined along the worlds.
    """

    def __init__(self, parts: Sequence[DrivingVectorEnv]) -> None:
        """Join environments, which are closed with this one.

        Raises:
            ValueError: if there is none, they differ in observations, actions or autoreset, or do not reset
                themselves.
        """
        if not parts:
            raise ValueError("parts: found none, allowed is at least one environment")
        first = parts[0]
        for part in parts:
            for name in ("single_observation_space", "single_action_space", "autoreset_mode"):
                found, wanted = getattr(part, name), getattr(first, name)
                if found != wanted:
                    raise ValueError(
                        f"{name} of {part.scenario.name!r}: found {found}, allowed is {wanted}, "
                        f"that of {first.scenario.name!r}"
                    )
        if first.autoreset_mode == AutoresetMode.DISABLED:
            raise ValueError("autoreset_mode: found DISABLED, allowed are NEXT_STEP and SAME_STEP")
        self.parts = tuple(parts)
        self.metadata = first.metadata
        self.render_mode = first.render_mode
        self._sizes = [part.num_envs for part in parts]
        self._slices = [slice(*ends) for ends in pairwise(accumulate(self._sizes, initial=0))]
        self.num_envs = sum(self._sizes)
        self.single_observation_space = first.single_observation_space
        self.single_action_space = first.single_action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes; seeds as in `DrivingVectorEnv.reset`, counted through all parts.

        Raises:
            ValueError: for options; there are none.
        """
        if options:
            raise ValueError(f"options: found {sorted(options)}, allowed are none")
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = list(spread_seed(int(seed), self.num_envs))
        results = [
            part.reset(seed=None if seed is None else seed[worlds])
            for part, worlds in zip(self.parts, self._slices, strict=True)
        ]
        observations, infos = zip(*results, strict=True)
        return _column(observations, self._sizes), joined(infos, self._sizes)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance all worlds by one decision; see `DrivingVectorEnv.step`."""
        results = [part.step(actions[worlds]) for part, worlds in zip(self.parts, self._slices, strict=True)]
        observations, rewards, terminated, truncated, infos = zip(*results, strict=True)
        return (
            _column(observations, self._sizes),
            np.concatenate(rewards),
            np.concatenate(terminated),
            np.concatenate(truncated),
            joined(infos, self._sizes),
        )

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return everything as plain arrays, those of part i as `i.name`."""
        return {f"{i}.{name}": a for i, part in enumerate(self.parts) for name, a in part.get_state().items()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `get_state` returned.

        Raises:
            KeyError: an array is missing.
            ValueError: it is of another number of parts or worlds.
        """
        found = len({name.partition(".")[0] for name in state})
        if found != len(self.parts):
            raise ValueError(f"the state is of {found} parts, allowed is {len(self.parts)}")
        for i, part in enumerate(self.parts):
            prefix = f"{i}."
            own = {name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)}
            part.set_state(own)

    def render(self) -> tuple[NDArray[np.uint8], ...]:
        """Return one picture (H, W, 3) per world; see `DrivingVectorEnv.render`."""
        return tuple(picture for part in self.parts for picture in part.render())

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002  (gymnasium's signature)
        """Close the parts."""
        for part in self.parts:
            part.close()


def joined(infos: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> dict[str, Any]:
    """Join the parts' infos along the worlds; zeros, such as False in a mask, where a part says nothing.

    Args:
        infos: of each part: arrays (n, ...), or mappings of such, by name.
        sizes: n of each part.
    """
    names = dict.fromkeys(name for info in infos for name in info)
    return {name: _column([info.get(name) for info in infos], sizes) for name in names}


def _column(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    sample = next(value for value in values if value is not None)
    if isinstance(sample, Mapping):
        return joined([value or {} for value in values], sizes)
    return np.concatenate(
        [
            np.zeros((size, *sample.shape[1:]), sample.dtype) if value is None else value
            for value, size in zip(values, sizes, strict=True)
        ]
    )
