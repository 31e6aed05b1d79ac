"""Pictures for people."""

from __future__ import annotations

import numpy as np

from drivesim.envs.picture import PictureMaker
from drivesim.render.camera import Camera
from drivesim.render.scene import SceneBuilder
from drivesim.render.semantics import PALETTE, SemanticClass
from tests.towns import begin, scenario, tables


def test_a_picture_is_larger_shows_class_colours_and_has_the_cameras_shape() -> None:
    scene = SceneBuilder(scenario(), 2).build(begin(tables(), [0, 1]))
    maker = PictureMaker(Camera(width=64, height=32), width=128)
    pictures = maker.draw(scene)
    assert pictures.shape == (2, 64, 128, 3)
    assert pictures.dtype == np.uint8
    colours = {tuple(colour) for colour in pictures.reshape(-1, 3).tolist()}
    # The sky and the flat ground are not shaded, faces of prisms are.
    for semantic in (SemanticClass.SKY, SemanticClass.ROAD):
        assert tuple(PALETTE[semantic].tolist()) in colours
    assert len(colours) > 8
    maker.close()
    maker.close()
