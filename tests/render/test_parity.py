"""The measure of agreement, on images small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.camera import Frames
from drivesim.render.parity import parity
from drivesim.render.semantics import SemanticClass

ROAD, CAR, SKY = SemanticClass.ROAD, SemanticClass.CAR, SemanticClass.SKY


def frames(depth: list[float], semantic: list[int], gray: list[int]) -> Frames:
    return Frames(
        np.array([[depth]], np.float32), np.array([[semantic]], np.uint8), np.array([[gray]], np.uint8)
    )


def test_each_part_is_counted_by_what_the_first_renderer_shows() -> None:
    a = frames([80.0, 10.0, 10.0, 5.0], [SKY, CAR, CAR, ROAD], [200, 100, 100, 90])
    b = frames([80.0, 10.5, 80.0, 5.0], [SKY, CAR, SKY, ROAD], [200, 102, 200, 91])
    found = parity(a, b)
    assert (found.everything.pixels, found.objects.pixels, found.ground.pixels) == (4, 2, 1)
    assert (found.everything.classes, found.objects.classes, found.ground.classes) == (0.75, 0.5, 1.0)
    assert found.everything.gray_mean == pytest.approx((2 + 100 + 1) / 4)
    assert found.objects.depth_p99 == pytest.approx(0.5), "the pixel of another class does not count"
    assert found.ground.depth_p99 == 0.0


def test_parts_that_are_not_there_have_no_numbers() -> None:
    sky = frames([80.0], [SKY], [200])
    assert parity(sky, sky).objects.pixels == 0
    assert np.isnan(parity(sky, sky).objects.classes)


def test_a_missing_modality_is_refused() -> None:
    whole = frames([80.0], [SKY], [200])
    with pytest.raises(ValueError, match="need gray"):
        parity(whole, Frames(whole.depth, whole.semantic, None))
