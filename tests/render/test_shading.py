"""Shades of faces against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from drivesim.render.shading import AMBIENT, DIFFUSE, LIGHT_DIRECTION, face_gray, face_shade, light_parameters


def test_light_direction_is_a_unit_vector() -> None:
    assert np.linalg.norm(LIGHT_DIRECTION) == pytest.approx(1.0)


def test_a_face_towards_the_light_shows_ambient_and_diffuse_share() -> None:
    assert face_shade(LIGHT_DIRECTION) == pytest.approx(AMBIENT + DIFFUSE)


def test_a_face_away_from_the_light_shows_the_ambient_share_alone() -> None:
    normals = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    assert face_shade(normals).tolist() == [AMBIENT, AMBIENT]


def test_gray_is_tone_times_shade_rounded() -> None:
    light = np.array([0.6, 0.0, 0.8, 0.5, 0.25])
    # 90 * (0.5 + 0.25 * 0.8) = 63; 91 * 0.7 = 63.7
    assert face_gray(90, 0.0, 0.0, 1.0, light) == 63
    assert face_gray(91, 0.0, 0.0, 1.0, light) == 64
    assert face_gray(90, -1.0, 0.0, 0.0, light) == 45


def test_gray_stops_at_255() -> None:
    assert face_gray(200, 0.0, 0.0, 1.0, np.array([0.0, 0.0, 1.0, 0.9, 0.9])) == 255


def test_kernel_and_array_form_agree() -> None:
    for normal in np.eye(3):
        expected = np.floor(177 * face_shade(normal) + 0.5)
        assert face_gray(177, normal[0], normal[1], normal[2], light_parameters()) == expected
