"""Past steps to learn from again: single uint8 frames, put together to stacks when they are drawn.

Each environment fills a ring of its own. An observation that is the one before moved on by a frame adds that
frame; any other, as at an episode's start, adds all its frames. Every stack comes back bit for bit, however
the environment fills its first ones and whenever it resets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray

SAVED = ("frames", "actions", "rewards", "followings", "strides")
"""Names of the arrays (L, N, ...) that are saved as far as they are filled."""


class Following(IntEnum):
    """What follows in a slot of the ring."""

    UNKNOWN = 0
    """No action was taken here: padding of an episode's start, its final state, or the present one."""
    STATE = 1
    """The next state of the episode."""
    NOTHING = 2
    """The episode terminated: what comes is worth 0."""
    FINAL_STATE = 3
    """The episode was cut off in the next state, which keeps its value."""


@dataclass(frozen=True)
class Batch:
    """Drawn steps, each with what up to n steps brought."""

    observations: NDArray[np.uint8]
    """(B, T, M, H, W)"""
    actions: NDArray[np.int64]
    """(B,)"""
    returns: NDArray[np.float32]
    """(B,), the rewards of the k <= n steps that are known, discounted."""
    followings: NDArray[np.uint8]
    """(B, T, M, H, W), the state after those k steps."""
    weights: NDArray[np.float32]
    """(B,), of its value: discount^k, or 0 where the episode terminated."""


class ReplayBuffer:
    """The last frames of N environments, with what was done and what it brought.

    Slot s of environment e holds a frame and, if it is the newest frame of a state that was acted in, the
    action taken, its reward, and what follows `strides` slots later.

    Args:
        capacity: frames to hold in all.
        num_envs: N.
        observation_shape: (T, M, H, W) of an observation.

    Raises:
        ValueError: the capacity is too small to hold anything to learn from, or larger than the memory.
    """

    def __init__(self, capacity: int, num_envs: int, observation_shape: tuple[int, int, int, int]) -> None:
        self.shape = observation_shape
        self.slots: int = capacity // num_envs
        self.capacity: int = self.slots * num_envs
        """Frames that it can hold."""
        least = 2 * observation_shape[0] + 2  # one-step episodes, each with its start in full
        if self.slots < least:
            raise ValueError(
                f"a replay of {capacity} frames gives {self.slots} to each of {num_envs} environments, "
                f"at least {least} are needed"
            )
        ring = (self.slots, num_envs)
        try:
            self.frames = np.zeros((*ring, *observation_shape[1:]), dtype=np.uint8)
        except MemoryError as error:
            raise ValueError(f"a replay of {capacity} frames does not fit the memory: {error}") from error
        self.actions = np.zeros(ring, dtype=np.int32)
        self.rewards = np.zeros(ring, dtype=np.float32)
        self.followings = np.zeros(ring, dtype=np.uint8)
        self.strides = np.zeros(ring, dtype=np.uint8)
        self.written = np.zeros(num_envs, dtype=np.int64)
        """(N,) frames written so far; frame p lies in slot p modulo L."""
        self.latest = np.zeros((num_envs, *observation_shape), dtype=np.uint8)
        """(N, T, M, H, W), the present states."""

    @property
    def held(self) -> int:
        """Frames that it holds."""
        return int(np.minimum(self.written, self.slots).sum())

    @property
    def nbytes(self) -> int:
        """Bytes that it takes when it is full."""
        return self.latest.nbytes + sum(int(getattr(self, name).nbytes) for name in SAVED)

    def clear(self) -> None:
        """Forget everything."""
        self.written[:] = 0
        self.followings[:] = Following.UNKNOWN

    def look(self, observations: NDArray[np.uint8], columns: NDArray[np.int64] | None = None) -> None:
        """Take in the states that have come.

        Args:
            observations: (K, T, M, H, W), or of the same number of entries.
            columns: (K,) of which environments; None is all of them.
        """
        columns = np.arange(len(self.written)) if columns is None else columns
        stacks = observations.reshape(-1, *self.shape)
        stack = self.shape[0]
        is_moved_on = (stacks[:, :-1] == self.latest[columns, 1:]).all(axis=(1, 2, 3, 4))
        has_begun = self.written[columns] > 0
        is_moved_on &= has_begun
        self.latest[columns] = stacks
        before = (self.written[columns[has_begun]] - 1) % self.slots
        self.strides[before, columns[has_begun]] = np.where(is_moved_on[has_begun], 1, stack)
        self._write(columns[is_moved_on], stacks[is_moved_on, -1])
        if not is_moved_on.all():
            for frame in range(stack):
                self._write(columns[~is_moved_on], stacks[~is_moved_on, frame])

    def record(
        self,
        actions: NDArray[np.int64],
        rewards: NDArray[np.float32],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        valid: NDArray[np.bool_],
    ) -> None:
        """Take in what was done in the present states and what it brought, before `look` takes what followed.

        Args:
            actions: (N,)
            rewards: (N,)
            terminated: (N,) nothing follows; it goes before `truncated`.
            truncated: (N,) the state that `look` gets next is the episode's last.
            valid: (N,) False where the step only reset the environment.
        """
        columns = np.flatnonzero(valid)
        slots = (self.written[columns] - 1) % self.slots
        self.actions[slots, columns] = actions[columns]
        self.rewards[slots, columns] = rewards[columns]
        known = np.where(truncated, Following.FINAL_STATE, Following.STATE)
        self.followings[slots, columns] = np.where(terminated, Following.NOTHING, known)[columns]

    def sample(self, count: int, n: int, discount: float, generator: torch.Generator) -> Batch:
        """Draw steps, every one that is whole being as likely.

        Args:
            count: B.
            n: steps to sum rewards over, at most; fewer up to an ending and up to the present.
            discount: of each step.
            generator: on the CPU.

        Raises:
            ValueError: there is nothing to draw.
        """
        positions, columns = self._draw(count, generator)
        returns, weights, after = self.follow(positions, columns, n, discount)
        actions = self.actions[positions % self.slots, columns].astype(np.int64)
        stacks = self.stacks(positions, columns)
        return Batch(stacks, actions, returns, self.stacks(after, columns), weights)

    def follow(
        self, positions: NDArray[np.int64], columns: NDArray[np.int64], n: int, discount: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Go on up to n steps from the states at `positions` (B,) of the environments `columns` (B,).

        Returns:
            The discounted sum of rewards (B,), the weight (B,) of the value of the state arrived at, and
            that state's position (B,).
        """
        returns, weights = np.zeros(len(positions)), np.ones(len(positions))
        is_going, after = np.ones(len(positions), dtype=np.bool_), positions.copy()
        for _ in range(n):
            slots = after % self.slots
            following = self.followings[slots, columns]
            is_going &= following != Following.UNKNOWN
            returns += np.where(is_going, weights * self.rewards[slots, columns], 0)
            weights *= np.where(is_going, discount * (following != Following.NOTHING), 1)
            after += np.where(is_going, self.strides[slots, columns], 0)
            is_going &= following == Following.STATE
        return returns.astype(np.float32), weights.astype(np.float32), after

    def stacks(self, positions: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the observations (B, T, M, H, W) whose newest frames lie at `positions`."""
        slots = (positions[:, None] + np.arange(1 - self.shape[0], 1)) % self.slots
        rows = (slots * len(self.written) + columns[:, None]).ravel()
        taken = np.take(self.frames.reshape(self.capacity, -1), rows, axis=0)
        return taken.reshape(-1, *self.shape)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all that it holds, without copying what has been filled."""
        used = min(int(self.written.max()), self.slots)
        filled = {name: getattr(self, name)[:used] for name in SAVED}
        return {**filled, "written": self.written, "latest": self.latest}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Hold what `arrays` returned.

        Raises:
            ValueError: the arrays are not of a replay of this size.
        """
        if unfit := {*SAVED, "written", "latest"} ^ arrays.keys():
            raise ValueError(f"missing or unknown arrays: {', '.join(sorted(unfit))}")
        written = arrays["written"]
        if written.shape != self.written.shape or written.dtype.kind != "i" or written.min() < self.shape[0]:
            raise ValueError(f"written is {written.dtype} {written.shape}: {written}")
        used = min(int(np.max(written)), self.slots)
        for name in ("latest", *SAVED):
            own, found = getattr(self, name), arrays[name]
            wanted = own.shape if name == "latest" else (used, *own.shape[1:])
            if found.shape != wanted or found.dtype != own.dtype:
                raise ValueError(f"{name} is {found.dtype} {found.shape}, expected {own.dtype} {wanted}")
        if np.max(arrays["followings"]) > max(Following) or np.max(arrays["strides"]) > self.shape[0]:
            raise ValueError("followings or strides are out of range")
        self.clear()
        for name in SAVED:
            getattr(self, name)[:used] = arrays[name]
        self.written[:], self.latest[:] = written, arrays["latest"]

    def _write(self, columns: NDArray[np.int64], frames: NDArray[np.uint8]) -> None:
        slots = self.written[columns] % self.slots
        self.frames[slots, columns] = frames
        self.followings[slots, columns] = Following.UNKNOWN
        self.written[columns] += 1

    def _draw(self, count: int, generator: torch.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw positions and columns (B,) of states that were acted in and whose stack is still whole."""
        used = min(int(self.written.max()), self.slots)
        if not self.followings[:used].any():
            raise ValueError("nothing was recorded yet")
        drawn: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        missing = count
        while missing:
            cells = torch.randint(used * len(self.written), (missing,), generator=generator).numpy()
            slots, columns = np.divmod(cells, len(self.written))
            newest = self.written[columns] - 1
            positions = newest - (newest - slots) % self.slots
            oldest = np.maximum(newest + 1 - self.slots, 0)
            is_whole = positions + 1 - self.shape[0] >= oldest
            is_whole &= self.followings[slots, columns] != Following.UNKNOWN
            drawn.append((positions[is_whole], columns[is_whole]))
            missing -= int(is_whole.sum())
        return np.concatenate([p for p, _ in drawn]), np.concatenate([c for _, c in drawn])
