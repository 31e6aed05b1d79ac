from __future__ import annotations

import cv2
import numpy as np
import pytest

from probes.domains.atari_screens import Palette, draw, shares


def full_palette() -> Palette:
    palette = Palette()
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    palette.learn(indices, np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return palette


def screens_of(rows: int, count: int) -> np.ndarray:
    """Return screens of noise in which every other pair of rows is alike."""
    screens = np.random.default_rng(rows).integers(0, 256, (count, rows, 160), dtype=np.uint8)
    screens[:, 1::4] = screens[:, 0 : rows - 1 : 4]
    return screens


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [210, 214, 250])
def test_a_picture_is_what_opencv_makes_of_the_brighter_frames(rows: int, count: int) -> None:
    palette, screens = full_palette(), screens_of(rows, count)
    colour = palette.levels[screens, :3].max(axis=0).astype(np.uint8)
    expected = cv2.resize(colour, (84, 84), interpolation=cv2.INTER_AREA)
    found = np.zeros((84, 84, 3), np.uint8)
    draw(screens, palette, found)
    assert np.array_equal(found, expected)


def test_rows_that_differ_in_one_frame_alone_are_not_taken_for_alike() -> None:
    palette, screens = full_palette(), np.zeros((2, 210, 160), np.uint8)
    screens[1, 100] = np.argmax(palette.levels[:, :3].sum(axis=1))
    found = np.zeros((84, 84, 3), np.uint8)
    draw(screens, palette, found)
    assert np.flatnonzero((found != found[0]).any(axis=(1, 2))).tolist() == [40]


@pytest.mark.parametrize("size", [160, 210, 214, 220, 230, 250])
def test_every_pixel_counts_as_much_as_every_other(size: int) -> None:
    first, weights = shares(size)
    counted = np.zeros(size + weights.shape[1])
    for start, of_one in zip(first, weights, strict=True):
        counted[start : start + len(of_one)] += of_one
    assert np.allclose(counted[:size], 84 / size, atol=1e-6)
    assert (counted[size:] == 0).all()


def test_a_palette_knows_what_it_has_learned() -> None:
    palette, screen = Palette(), np.full((4, 160), 14, np.uint8)
    assert not palette.knows(screen)
    palette.learn(screen, np.full((4, 160, 3), 200, np.uint8))
    assert palette.knows(screen)
    screen[3, 159] = 15
    assert not palette.knows(screen)
