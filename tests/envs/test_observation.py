"""Quantised depth, noise, and stacks that never cross an episode's start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.envs.observation import FrameStack, add_noise, quantise_depth
from drivesim.render.camera import Frames
from drivesim.render.semantics import NUM_CLASSES
from drivesim.scenario.schema import Noise
from drivesim.world.state import TOWN
from tests.towns import changed

SMALL = {"width": 8, "height": 8}


def stack_of(worlds: int = 2, **sections: Any) -> FrameStack:
    """Make stacks of 8 x 8 pixels."""
    return FrameStack(changed("reasonable", camera=SMALL, **sections), worlds)


def frames(*levels: int) -> Frames:
    """Make one class image per world, each of a single class."""
    images = np.stack([np.full((8, 8), level, np.uint8) for level in levels])
    return Frames(None, images, None)


def towns(count: int = 2, tick: int = 0) -> NDArray[np.void]:
    """Make the clocks and seeds of some worlds."""
    made = np.zeros(count, TOWN)
    made["seed"], made["tick"] = np.arange(count), tick
    return made


def push(stack: FrameStack, *levels: int, fresh: tuple[bool, ...] = (False, False)) -> list[list[int]]:
    """Push one frame per world and return what each world's stack shows, oldest first."""
    stack.push(frames(*levels), towns(), np.array(fresh))
    return shown(stack)


def shown(stack: FrameStack) -> list[list[int]]:
    """Return the class that each frame of each world's stack shows."""
    return stack.stacks()[:, :, 0, 0, 0].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("depth", "level"), [(0.0, 0), (80.0, 255), (40.0, 128), (0.15, 0), (0.16, 1), (79.85, 255), (10.0, 32)]
)
def test_depth_is_scaled_by_the_cameras_range_and_rounded(depth: float, level: int) -> None:
    assert quantise_depth(np.array([depth], np.float32), 80.0)[0] == level


def test_an_episodes_first_frame_stands_for_those_before_it() -> None:
    stack = stack_of()
    assert push(stack, 1, 2, fresh=(True, True)) == [[1] * 4, [2] * 4]
    assert push(stack, 3, 4) == [[1, 1, 1, 3], [2, 2, 2, 4]]
    assert push(stack, 5, 6, fresh=(False, True)) == [[1, 1, 3, 5], [6] * 4]
    assert push(stack, 7, 8) == [[1, 3, 5, 7], [6, 6, 6, 8]]


def test_a_stride_leaves_frames_out() -> None:
    stack = stack_of(stack=3, stack_stride=2)
    push(stack, 1, 1, fresh=(True, True))
    for level in range(2, 7):
        push(stack, level, level)
    assert shown(stack)[0] == [2, 4, 6]


def test_replacing_starts_some_worlds_anew_and_moves_no_other_on() -> None:
    stack = stack_of()
    push(stack, 1, 1, fresh=(True, True))
    push(stack, 2, 2)
    stack.replace(frames(9, 9), towns(), np.array([False, True]))
    assert shown(stack) == [[1, 1, 1, 2], [9] * 4]


def test_stacks_are_new_arrays() -> None:
    stack = stack_of()
    push(stack, 1, 2, fresh=(True, True))
    first = stack.stacks()
    push(stack, 3, 4)
    assert first[:, -1, 0, 0, 0].tolist() == [1, 2]
    assert not np.shares_memory(first, stack.frames)
    assert not np.shares_memory(stack.stacks_by_modality()["semantic"], stack.frames)


def test_history_goes_back_as_far_as_frames_are_kept() -> None:
    stack, other = stack_of(stack=2, stack_stride=2), stack_of(stack=2, stack_stride=2)
    for level in range(5):
        push(stack, level, level, fresh=(level == 0, level == 0))
    history = stack.history()
    assert history[0, :, 0, 0, 0].tolist() == [2, 3, 4]
    push(other, 9, 9, fresh=(True, True))
    other.restore(history)
    assert push(other, 5, 5) == push(stack, 5, 5) == [[3, 5], [3, 5]]
    with pytest.raises(ValueError, match="snapshot frames: found"):
        other.restore(history[:, 1:])


def test_modalities_keep_the_scenarios_order() -> None:
    stack = stack_of(1, modalities=["gray", "depth"])
    stack.push(
        Frames(np.full((1, 8, 8), 80.0, np.float32), None, np.full((1, 8, 8), 7, np.uint8)),
        towns(1),
        np.array([True]),
    )
    assert stack.stacks()[0, -1, :, 0, 0].tolist() == [7, 255]
    assert stack.stacks_by_modality()["depth"].shape == (1, 4, 8, 8)
    assert list(stack.space_by_modality) == ["gray", "depth"] or set(stack.space_by_modality) == {
        "gray",
        "depth",
    }
    assert stack.space.shape == (4, 2, 8, 8)


def test_without_a_renderer_observations_stay_zero() -> None:
    stack = stack_of(noise={"class_flip": 0.5})
    nothing = Frames(None, None, None)
    stack.replace(nothing, towns(), np.array([True, True]))
    stack.push(nothing, towns(), np.array([False, True]))
    assert not stack.stacks().any()


def test_noise_has_the_deviation_that_the_scenario_says() -> None:
    planes = np.full((3, 128, 128), 100, np.uint8)
    planes[1] = 5
    noise = Noise(depth_std=0.6275, gray_std=12.0, class_flip=0.13)
    add_noise(planes, ("depth", "semantic", "gray"), noise, 80.0, 1)
    depth, classes, gray = planes.astype(np.float64)
    assert depth.std() == pytest.approx(0.6275 * 255.0 / 80.0, abs=0.1)
    assert depth.mean() == pytest.approx(100.0, abs=0.1)
    assert gray.std() == pytest.approx(12.0, abs=0.3)
    # One flip in 13 shows the same class again.
    assert (classes != 5).mean() == pytest.approx(0.13 * (NUM_CLASSES - 1) / NUM_CLASSES, abs=0.01)
    assert classes.max() < NUM_CLASSES


def test_noise_is_a_function_of_the_worlds_seed_and_clock() -> None:
    def noisy(tick: int, worlds: int) -> NDArray[np.uint8]:
        stack = stack_of(worlds, noise={"class_flip": 0.3})
        stack.push(frames(*[1] * worlds), towns(worlds, tick), np.ones(worlds, np.bool_))
        return stack.stacks()

    np.testing.assert_array_equal(noisy(6, 3)[:2], noisy(6, 2))
    assert (noisy(6, 2)[0] != noisy(6, 2)[1]).any()
    assert (noisy(6, 1) != noisy(12, 1)).any()
