"""Who and what is there in driving states, read from their classes (experiments 1 and 2 of Sec. 4.7)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivesim.render.actors import GROUND_CLEARANCE
from drivesim.render.semantics import SemanticClass
from probes.domains.scenes import CARRIAGEWAY, LIGHTS, MOVING, class_pictures, find_blobs, is_one_of
from probes.domains.viewpoint import MARGIN, Viewpoint, corridor, ground_position, stopping_reach
from probes.states import StateLayout
from probes.statistics import Estimate, share

MIN_PIXELS = 3
"""Pixels of a class in a picture that count as seeing it; a person 28 m away has about that many."""
CAR_REACH = 40.0
"""m ahead of the ego's bumper within which a car is ahead of it; chosen: three stopping distances."""
ROAD_REACH = 25.0
"""m ahead of the bumper within which it can be told who stands on the road; a pixel there is 7 m deep."""
CROSSWALK_REACH = 15.0
"""m ahead of the ego's bumper within which a crosswalk is ahead of it: farther ones fill less than a row."""


def _has(mask: NDArray[np.bool_], min_pixels: int) -> NDArray[np.bool_]:
    """Tell for masks (B, H, W) which hold at least so many pixels."""
    enough: NDArray[np.bool_] = mask.sum((1, 2)) >= min_pixels
    return enough


def stands_in(
    mask: NDArray[np.bool_], region: NDArray[np.bool_], min_pixels: int = MIN_PIXELS
) -> NDArray[np.bool_]:
    """Tell in which pictures something has its foot in a region of the picture.

    A foot is a pixel of the mask without one below it. Its column must hold enough of the mask together with
    the other columns whose feet are there.

    Args:
        mask: (B, H, W), the pixels of a class.
        region: (H, W).
        min_pixels: at least so many in all columns with a foot in the region.

    Returns:
        (B,).
    """
    below = np.zeros_like(mask)
    below[:, :-1] = mask[:, 1:]
    columns = (mask & ~below & region).any(1)  # (B, W)
    enough: NDArray[np.bool_] = (mask.sum(1) * columns).sum(1) >= min_pixels
    return enough


def is_person_on_road(
    stored: NDArray[np.uint8], layout: StateLayout, viewpoint: Viewpoint, min_pixels: int = MIN_PIXELS
) -> NDArray[np.bool_]:
    """Tell which states show a person on the carriageway, within `ROAD_REACH`, in their newest frame, (B,).

    Whoever stands on it has it below the feet and on both sides of them. Looking only below would take those
    who wait at the kerb for people on the road: a pixel is deep.
    """
    people = find_blobs(stored, layout, classes=[SemanticClass.PERSON], min_pixels=min_pixels)
    pictures = class_pictures(stored, layout)[:, -1]
    is_road = is_one_of(pictures, CARRIAGEWAY)
    is_beside = is_road | is_one_of(pictures, MOVING)
    middle = np.asarray((people.foot_left + people.foot_right + 1) / 2, np.float64)
    ahead, _ = ground_position(viewpoint, np.asarray(people.foot_row + 1, np.float64), middle)
    people = people.select(ahead <= ROAD_REACH)
    state, row = people.state, people.foot_row
    under = is_road[
        state, np.minimum(row + 1, layout.height - 1), (people.foot_left + people.foot_right) // 2
    ]
    under |= row == layout.height - 1
    left = is_beside[state, row, np.maximum(people.foot_left - 1, 0)]
    right = is_beside[state, row, np.minimum(people.foot_right + 1, layout.width - 1)]
    found = np.zeros(len(stored), np.bool_)
    found[state[under & left & right]] = True
    return found


def presence(
    stored: NDArray[np.uint8],
    layout: StateLayout,
    viewpoint: Viewpoint,
    speed: float | None = None,
    min_pixels: int = MIN_PIXELS,
) -> dict[str, NDArray[np.bool_]]:
    """Tell what the newest frame of each state shows.

    `car ahead` and `crosswalk ahead` lie in the corridor that the ego would sweep going straight on, 0.5 m
    beside it included, within `CAR_REACH` and `CROSSWALK_REACH`. A `person within the stopping path` stands
    in the same corridor, nearer than the ego can stop. One picture does not tell its speed: the top speed
    counts unless one is given.

    Args:
        stored: (B, T, M, H, W), stored states.
        layout: of the states.
        viewpoint: of the camera that took them.
        speed: m/s, of the stopping path; the top speed if it is None.
        min_pixels: at least so many pixels count as seen.

    Returns:
        (B,) for each of the names.

    Raises:
        ProbeError: the states are no driving states.
    """
    now = class_pictures(stored, layout)[:, -1]
    is_car, is_person = now == SemanticClass.CAR, now == SemanticClass.PERSON
    car_feet = corridor(viewpoint, CAR_REACH, MARGIN, GROUND_CLEARANCE, edge=1.0)
    person_feet = corridor(viewpoint, stopping_reach(viewpoint, speed), MARGIN, edge=1.0)
    near_ground = corridor(viewpoint, CROSSWALK_REACH)
    lights = {c.name.lower().replace("_", " "): _has(now == c, min_pixels) for c in LIGHTS}
    return {
        "light": _has(is_one_of(now, LIGHTS), min_pixels),
        **lights,
        "car": _has(is_car, min_pixels),
        "car ahead": stands_in(is_car, car_feet, min_pixels),
        "person": _has(is_person, min_pixels),
        "person on the road": is_person_on_road(stored, layout, viewpoint, min_pixels),
        "person within the stopping path": stands_in(is_person, person_feet, min_pixels),
        "crosswalk ahead": _has((now == SemanticClass.CROSSWALK) & near_ground, min_pixels),
    }


def presence_shares(present: Mapping[str, NDArray[np.bool_]]) -> dict[str, Estimate]:
    """Estimate the share of states with each of what `presence` tells."""
    return {name: share(int(where.sum()), len(where)) for name, where in present.items()}


def is_without(
    stored: NDArray[np.uint8], layout: StateLayout, classes: tuple[SemanticClass, ...], min_pixels: int
) -> NDArray[np.bool_]:
    """Tell which states show fewer than so many pixels of the classes in every frame, (B,)."""
    counts = is_one_of(class_pictures(stored, layout), classes).sum((2, 3))
    without: NDArray[np.bool_] = (counts < min_pixels).all(1)
    return without


def is_empty_road(
    stored: NDArray[np.uint8], layout: StateLayout, min_pixels: int = MIN_PIXELS
) -> NDArray[np.bool_]:
    """Tell which states show neither a car nor a person in any frame, (B,)."""
    return is_without(stored, layout, MOVING, min_pixels)


def is_without_light(
    stored: NDArray[np.uint8], layout: StateLayout, min_pixels: int = MIN_PIXELS
) -> NDArray[np.bool_]:
    """Tell which states show no light in any frame, (B,)."""
    return is_without(stored, layout, LIGHTS, min_pixels)


def is_without_stop_light(
    stored: NDArray[np.uint8], layout: StateLayout, min_pixels: int = MIN_PIXELS
) -> NDArray[np.bool_]:
    """Tell which states show neither red nor yellow in any frame, (B,): no light asks to brake."""
    stops = (SemanticClass.LIGHT_RED, SemanticClass.LIGHT_YELLOW)
    return is_without(stored, layout, stops, min_pixels)
