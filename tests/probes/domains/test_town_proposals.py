from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.domains.likeness import Piece, pieces_of
from probes.domains.street_library import StreetLibrary
from probes.domains.town_proposals import Proposer
from probes.domains.town_sketch import EGO, Body, Floats
from probes.domains.viewpoint import make_viewpoint
from tests.probes.domains.sketches import CAR, CROSSING, PERSON, drawn, sketch, sketcher

pytestmark = pytest.mark.slow


@cache
def proposer() -> Proposer:
    return Proposer(sketcher(), make_viewpoint(sketcher().scenario), StreetLibrary(sketcher()))


def seen(body: Body, numbers: list[float], x: float = 45.0, also: Body | None = None) -> tuple[Piece, Floats]:
    """The largest piece of somebody, and the ego's numbers."""
    bodies = [(body, numbers)] if also is None else [(body, numbers), (also, [12.0, 0.0, 0.0, 0.0])]
    truth = sketch(x=x, speed=4.0, bodies=bodies)
    semantic = SemanticClass.CAR if body.is_car else SemanticClass.PERSON
    pieces = [piece for piece in pieces_of(newest(truth)) if piece.semantic == semantic]
    return max(pieces, key=lambda piece: piece.mask.sum()), truth.numbers[:EGO]


def newest(truth: object) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = drawn(truth)[-1, 0]  # type: ignore[arg-type]
    return picture


@pytest.mark.parametrize(
    ("body", "numbers", "x"),
    [
        (PERSON, [9.0, -2.0, -4.0, 0.0], 45.0),
        (PERSON, [25.0, 3.0, -4.0, 0.0], 45.0),
        (CAR, [18.0, 0.0, 0.0, 0.0], 45.0),
        (CROSSING, [26.75, 4.0, -4.0, 0.0], 95.0),
    ],
)
def test_among_the_proposed_is_one_who_is_nearly_there(body: Body, numbers: list[float], x: float) -> None:
    piece, ego = seen(body, numbers, x)
    proposed = [given for one, given in proposer().propose(piece, ego) if one == body]
    off = min(float(np.hypot(*(given - numbers)[:2])) for given in proposed)
    assert off < 0.1 * numbers[0]


def test_of_a_head_above_a_car_the_distance_is_read_from_the_horizon() -> None:
    # Who stands behind a near car shows no feet and little height.
    piece, ego = seen(PERSON, [16.0, 0.0, -4.0, 0.0], also=CAR)
    top, bottom, _, _ = piece.extent
    assert bottom - top <= 2
    ahead = [float(given[0]) for _, given in proposer().propose(piece, ego)]
    assert min(abs(x - 16.0) for x in ahead) < 4.0


def test_nobody_is_proposed_behind_the_camera_or_beyond_what_it_sees() -> None:
    piece, ego = seen(PERSON, [9.0, -2.0, -4.0, 0.0])
    ahead = [float(given[0]) for _, given in proposer().propose(piece, ego)]
    assert min(ahead) > 0.0
    assert max(ahead) < 100.0
