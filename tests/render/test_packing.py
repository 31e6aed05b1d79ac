"""The form that kernels take a scene in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivesim.render.camera import Camera
from drivesim.render.packing import BLOCK, GROUND, ground_payloads, new_scratch, pack_scene
from drivesim.render.scene import Ground, Prisms, Scene
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass


def empty_scene(prisms: int = 1, size: tuple[int, int] = (4, 4)) -> Scene:
    """Build one world with no prism in use."""
    shape = (1, prisms)
    return Scene(
        Prisms(
            np.zeros((*shape, 8)),
            np.zeros(shape, np.uint8),
            np.zeros(shape, np.uint8),
            np.zeros(shape, np.int16),
            np.zeros(1, np.int32),
        ),
        Ground(np.ones((1, *size), np.uint8), np.array([10.0]), np.zeros(1, np.int32)),
        np.zeros((1, 4)),
    )


def test_arrays_are_made_contiguous() -> None:
    scene = empty_scene()
    turned = replace(scene, poses=np.zeros((4, 1)).T[:, ::-1])
    assert pack_scene(turned, Camera()).poses.flags.c_contiguous


@pytest.mark.parametrize("size", [(12, 12), (4, 8)])
def test_ground_maps_must_be_square_with_a_power_of_two_as_side(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="the side a power of two"):
        pack_scene(empty_scene(size=size), Camera())


def test_more_prisms_than_a_key_can_name_are_refused() -> None:
    with pytest.raises(ValueError, match="65536 prisms in a world; allowed: at most 65535"):
        pack_scene(empty_scene(prisms=65536), Camera())


def test_a_ground_payload_turns_the_ground_mark_into_class_and_gray() -> None:
    road = GROUND + ground_payloads()[SemanticClass.ROAD]
    assert road == (int(GRAY_LEVELS[SemanticClass.ROAD]) << 8) + SemanticClass.ROAD


def test_columns_of_keys_hold_whole_blocks() -> None:
    scratch = new_scratch(Camera(width=6, height=13), 5)
    assert scratch.keys.shape == (6, 24)
    assert scratch.keys.shape[1] % BLOCK == 0
    assert len(scratch.row_scale) == 24
