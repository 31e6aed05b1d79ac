"""Pictures of stored states."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.semantics import PALETTE, SemanticClass
from probes.agent import ProbeError
from probes.domains.pictures import render_stack
from probes.states import Plane, StateLayout
from tests.probes.domains.drawings import FULL8, street


def test_every_frame_of_every_plane_becomes_a_picture() -> None:
    drawn = render_stack(street(1, FULL8)[0], FULL8)
    assert list(drawn) == ["depth", "semantic", "gray"]
    assert all(picture.shape == (8, 128, 128, 3) for picture in drawn.values())
    assert all(picture.dtype == np.uint8 for picture in drawn.values())
    assert drawn["semantic"][0, 0, 0].tolist() == PALETTE[SemanticClass.SKY].tolist()
    assert drawn["semantic"][7, 127, 0].tolist() == PALETTE[SemanticClass.ROAD].tolist()
    assert drawn["gray"][3, 5, 5].tolist() == [7, 7, 7]


def test_what_is_near_is_brighter_than_what_is_far() -> None:
    layout = StateLayout((Plane("depth", "level"),), 1, 1, 2)
    (near, far) = render_stack(np.array([[[[10, 255]]]], np.uint8), layout)["depth"][0, 0]
    assert near.sum() > far.sum() + 100
    assert far.max() < 10


def test_colour_planes_keep_their_colours() -> None:
    layout = StateLayout((Plane("colour", "level", 3),), 1, 1, 1)
    stored = np.array([10, 20, 30], np.uint8).reshape(layout.stored_shape)
    assert render_stack(stored, layout)["colour"].tolist() == [[[[10, 20, 30]]]]


def test_what_cannot_be_shown_is_named() -> None:
    layout = StateLayout((Plane("flow", "level", 2),), 1, 1, 1)
    with pytest.raises(ProbeError, match="plane 'flow': found 2 channels of kind 'level'"):
        render_stack(np.zeros(layout.stored_shape, np.uint8), layout)
    with pytest.raises(ProbeError, match=r"found \(1, 1, 1, 1\); allowed: \(1, 2, 1, 1\)"):
        render_stack(np.zeros((1, 1, 1, 1), np.uint8), layout)
