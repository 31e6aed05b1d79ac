from __future__ import annotations

import numpy as np
import torch

from probes.domains.atari_frames import (
    LAYOUT,
    PictureStack,
    gray_from_pixels,
    gray_levels,
    gray_states,
    planes_from_pixels,
)
from probes.states import to_states


def some_pixels(count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, 84, 84, 3), dtype=np.uint8)


def test_gray_is_the_weighted_sum_rounded_once_half_upwards() -> None:
    # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15; 0.299 * 255 = 76.245; 0.587 * 1 - 0.5 > 0;
    # 0.299 * 0 + 0.587 * 50 + 0.114 * 25 = 32.2; 0.299 * 100 + 0.587 * 50 + 0.114 * 75 = 67.8;
    # 0.299 * 5 + 0.587 * 1 + 0.114 * 62 = 9.15; 0.114 * 250 = 28.5, exactly half
    colours = [(10, 20, 30), (255, 0, 0), (0, 1, 0), (0, 50, 25), (100, 50, 75), (5, 1, 62), (0, 0, 250)]
    expected = [18, 76, 1, 32, 68, 9, 29]
    pixels = np.array(colours, np.uint8).reshape(1, 1, -1, 3)
    gray = np.zeros((1, 1, len(colours)), np.uint8)
    gray_from_pixels(pixels, gray)
    assert gray[0, 0].tolist() == expected
    planes = np.zeros((1, 3, 1, len(colours)), np.uint8)
    planes_from_pixels(pixels, planes)
    assert gray_levels(planes[:, None])[0, 0, 0].tolist() == expected


def test_planes_and_pixels_hold_the_same_colours() -> None:
    pixels = some_pixels()
    planes = np.zeros((2, 3, 84, 84), np.uint8)
    planes_from_pixels(pixels, planes)
    assert np.array_equal(planes, np.moveaxis(pixels, -1, 1))


def test_a_gray_colour_keeps_its_level() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 1, 1, 256).repeat(3, axis=2)
    assert gray_levels(levels).ravel().tolist() == list(range(256))


def test_gray_of_floats_is_that_of_bytes_but_for_the_rounding() -> None:
    stored = np.moveaxis(some_pixels(8), -1, 1).reshape(2, 4, 3, 84, 84)
    gray = gray_states(to_states(torch.from_numpy(stored.copy()), LAYOUT))
    difference = (gray * 255 - torch.from_numpy(gray_levels(stored).astype(np.float32))).abs()
    assert float(difference.max()) < 0.501
    assert float(difference.mean()) > 0.2  # it is not rounded


def test_gray_passes_each_colours_share_of_the_gradient() -> None:
    states = torch.rand(1, 4, 3, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(gray_states(states).sum(), states)
    expected = torch.tensor([0.299, 0.587, 0.114]).view(1, 1, 3, 1, 1).expand_as(states)
    torch.testing.assert_close(gradient, expected)


def test_a_stack_is_oldest_first_and_a_first_picture_stands_for_those_before_it() -> None:
    stack = PictureStack(2, (1,))
    stack.newest()[:] = 9
    stack.repeat(np.array([True, False]))
    assert stack.stacks()[..., 0].tolist() == [[9, 9, 9, 9], [0, 0, 0, 9]]
    for level in (10, 11):
        stack.next()[:] = level
    kept = stack.stacks()
    assert kept[..., 0].tolist() == [[9, 9, 10, 11], [0, 9, 10, 11]]
    stack.next()[:] = 12
    stack.repeat(np.array([False, True]))
    assert stack.stacks()[..., 0].tolist() == [[9, 10, 11, 12], [12, 12, 12, 12]]
    assert kept[0, 3, 0] == 11
