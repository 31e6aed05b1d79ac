"""Who is there: hand-drawn states, and real ones against the town's own records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.drivers import DRIVERS
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.actors import FIRST_CAR, FIRST_PERSON
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.semantics import SemanticClass
from drivesim.world.state import AWAY, TownState
from drivesim.world.town import half_road
from probes.domains.presence import (
    CAR_REACH,
    ROAD_REACH,
    is_empty_road,
    is_without_light,
    is_without_stop_light,
    presence,
    presence_shares,
    stands_in,
)
from probes.domains.viewpoint import make_viewpoint, stopping_reach
from tests.probes.domains.drawings import FULL8, SEG4, pictures, put, street, viewpoint
from tests.towns import scenario

CAR, PERSON, SIDEWALK = SemanticClass.CAR, SemanticClass.PERSON, SemanticClass.SIDEWALK
LIGHTS = [SemanticClass.LIGHT_RED, SemanticClass.LIGHT_YELLOW, SemanticClass.LIGHT_GREEN]


def seen(stored: NDArray[np.uint8]) -> set[str]:
    """Return what the one state shows."""
    return {name for name, where in presence(stored, SEG4, viewpoint()).items() if where[0]}


def test_an_empty_street_shows_nothing() -> None:
    assert seen(street()) == set()


@pytest.mark.parametrize("light", LIGHTS)
def test_a_light_is_seen_with_its_colour_from_three_pixels(light: SemanticClass) -> None:
    stored = street()
    put(pictures(stored), light, (40, 40), (90, 91))
    assert seen(stored) == set()
    put(pictures(stored), light, (41, 41), (90, 90))
    assert seen(stored) == {"light", light.name.lower().replace("_", " ")}


def test_only_the_newest_frame_counts() -> None:
    stored = street()
    put(pictures(stored)[:, :-1], CAR, (60, 80), (50, 70))
    assert seen(stored) == set()


def test_a_car_in_the_ego_s_lane_is_ahead_and_one_in_the_next_lane_is_not() -> None:
    beside, before = street(), street()
    # Lowest row 76: its edge is 13 rows below the horizon, 6.9 m away; 30 columns are 3.2 m to the side.
    put(pictures(beside), CAR, (63, 76), (20, 34))
    put(pictures(before), CAR, (63, 76), (55, 72))
    assert seen(beside) == {"car"}
    assert seen(before) == {"car", "car ahead"}


def test_a_person_on_the_road_is_within_the_stopping_path_only_if_near_and_before_the_ego() -> None:
    near, far, beside = street(), street(), street()
    # Feet at 73 are 9.96 m away; at 68, 22.4 m; 30 columns are 4.7 m to the side at 9.96 m.
    put(pictures(near), PERSON, (62, 72), (62, 65))
    put(pictures(far), PERSON, (63, 67), (63, 65))
    put(pictures(beside), PERSON, (62, 72), (92, 95))
    assert seen(near) == {"person", "person on the road", "person within the stopping path"}
    assert seen(far) == seen(beside) == {"person", "person on the road"}
    slow = presence(near, SEG4, viewpoint(), speed=3.0)
    assert not slow["person within the stopping path"][0]


def test_a_person_with_the_sidewalk_below_or_at_one_side_is_not_on_the_road() -> None:
    inside, at_kerb = street(), street()
    for stored, first in ((inside, 85), (at_kerb, 96)):
        put(pictures(stored), SIDEWALK, (65, 127), (first, 127))
        put(pictures(stored), PERSON, (62, 72), (92, 95))
    assert seen(inside) == seen(at_kerb) == {"person"}


def test_a_crosswalk_counts_before_the_ego_and_not_at_its_side() -> None:
    before, beside = street(), street()
    put(pictures(before), SemanticClass.CROSSWALK, (75, 77), (62, 65))
    put(pictures(beside), SemanticClass.CROSSWALK, (75, 77), (2, 30))
    assert (seen(before), seen(beside)) == ({"crosswalk ahead"}, set())


def test_a_foot_outside_the_region_does_not_count_though_the_head_is_inside() -> None:
    mask = np.zeros((2, 8, 8), np.bool_)
    mask[0, 1:6, 3], mask[1, 1:4, 3] = True, True
    region = np.zeros((8, 8), np.bool_)
    region[:4] = True
    assert stands_in(mask, region).tolist() == [False, True]
    assert stands_in(mask, region, 4).tolist() == [False, False]


def test_shares_count_the_states() -> None:
    shares = presence_shares({"car": np.array([True, False, False, True])})
    assert (shares["car"].value, shares["car"].n) == (0.5, 4)
    assert shares["car"].low < 0.5 < shares["car"].high


def test_a_road_is_empty_only_if_no_frame_shows_a_car_or_a_person() -> None:
    stored = street(4, FULL8)
    plane = pictures(stored, FULL8)
    put(plane[1, 0], PERSON, (62, 72), (62, 65))
    put(plane[2, 7], CAR, (63, 76), (55, 72))
    put(plane[3], CAR, (65, 65), (60, 61))
    assert is_empty_road(stored, FULL8).tolist() == [True, False, False, True]
    assert is_empty_road(stored, FULL8, min_pixels=1).tolist() == [True, False, False, False]


def test_a_green_light_is_a_light_that_does_not_ask_to_stop() -> None:
    stored = street(3)
    put(pictures(stored)[1, 0], SemanticClass.LIGHT_GREEN, (40, 42), (90, 92))
    put(pictures(stored)[2, 0], SemanticClass.LIGHT_YELLOW, (40, 42), (90, 92))
    assert is_without_light(stored, SEG4).tolist() == [True, False, False]
    assert is_without_stop_light(stored, SEG4).tolist() == [True, True, False]


class Sample(NamedTuple):
    """One decision of N towns."""

    stored: NDArray[np.uint8]
    """(N, T, M, H, W)."""
    towns: TownState
    pixels: NDArray[np.integer]
    """(N, P), visible of each prism."""
    owners: NDArray[np.int16]
    """(N, P)."""


def samples(name: str, worlds: int, count: int) -> Iterator[Sample]:
    """Let the expert drive; yield every sixteenth decision."""
    plan = scenario(name)
    env = DrivingVectorEnv(worlds, plan)
    eye = RaycastRenderer(make_viewpoint(plan).camera, ("semantic",))
    env.reset(seed=5)
    for step in range(16 * count):
        stored, *_ = env.step_controls(DRIVERS["expert"](env.state, env.tables))
        if step % 16 == 15:
            scene = env.scene()
            pixels = eye.visible_owners(scene)
            is_used = np.arange(pixels.shape[1]) < scene.prisms.counts[:, None]
            yield Sample(stored, env.state.copy(), pixels * is_used, scene.prisms.owners.copy())
    env.close()
    eye.close()


def is_visible(sample: Sample, world: int, first: int, count: int) -> NDArray[np.bool_]:
    """Tell of which of so many owners from `first` on at least three pixels are seen."""
    owners, pixels = sample.owners[world], sample.pixels[world]
    return np.array([pixels[owners == first + k].sum() >= 3 for k in range(count)], np.bool_)


def true_presence(sample: Sample, world: int, more: float, wider: float) -> dict[str, bool]:
    """Tell from positions what is there; `more` and `wider` (m) extend the corridor."""
    ego, town = sample.towns.ego[world], sample.towns.town[world]
    cos, sin = np.cos(ego["yaw"]), np.sin(ego["yaw"])
    people, cars = sample.towns.people[world], sample.towns.cars[world]

    def place(who: np.void, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        ahead = (x - ego["x"]) * cos + (y - ego["y"]) * sin - ego["half_length"]
        left = (y - ego["y"]) * cos - (x - ego["x"]) * sin
        reach = stopping_reach(make_viewpoint(scenario())) if who is people else CAR_REACH
        half = ego["half_width"] + 0.5 + wider
        return np.asarray((ahead > -0.3) & (ahead <= reach + more) & (np.abs(left) <= half))

    is_seen = is_visible(sample, world, FIRST_PERSON, len(people)) & (people["mode"] != AWAY)
    near_face = people["x"] - people["half_width"]
    sides = [people["y"] + sign * people["half_width"] for sign in (-1, 1)]
    in_path = place(people, near_face, sides[0]) | place(people, near_face, sides[1])
    on_road = np.abs(people["y"]) < half_road(town)
    on_road &= near_face - ego["x"] - ego["half_length"] < ROAD_REACH + more
    on_road &= near_face - ego["x"] > 0
    corners = np.zeros(len(cars), np.bool_)
    for along in np.linspace(-1, 1, 21):
        for across in np.linspace(-1, 1, 9):
            length, width = along * cars["half_length"], across * cars["half_width"]
            x = cars["x"] + length * cars["cos"] - width * cars["sin"]
            corners |= place(cars, x, cars["y"] + length * cars["sin"] + width * cars["cos"])
    corners &= is_visible(sample, world, FIRST_CAR, len(cars)) & (cars["is_active"] == 1)
    return {
        "person": bool(is_seen.any()),
        "person on the road": bool((is_seen & on_road).any()),
        "person within the stopping path": bool((is_seen & in_path).any()),
        "car ahead": bool(corners.any()),
    }


@pytest.mark.slow
def test_what_pictures_show_agrees_with_the_positions_in_the_town() -> None:
    read: dict[str, list[bool]] = {}
    exact: dict[str, list[bool]] = {}
    wide: dict[str, list[bool]] = {}
    for sample in samples("distracted", worlds=16, count=25):
        present = presence(sample.stored, SEG4, viewpoint())
        for world in range(16):
            for name, truth in true_presence(sample, world, 0.0, 0.0).items():
                exact.setdefault(name, []).append(truth)
                read.setdefault(name, []).append(bool(present[name][world]))
            for name, truth in true_presence(sample, world, 2.5, 0.3).items():
                wide.setdefault(name, []).append(truth)
    least = {
        "person": (0.95, 0.95),
        "person on the road": (0.85, 0.75),
        "person within the stopping path": (0.75, 0.75),
        "car ahead": (0.9, 0.95),
    }
    for name, (precision, recall) in least.items():
        found, true = np.array(read[name]), np.array(exact[name])
        assert true.sum() >= 20, f"{name}: too few to judge"
        assert (found & true).sum() / found.sum() >= precision, name
        assert (found & true).sum() / true.sum() >= recall, name
    # Whoever is wrongly read to be in the path is a pixel beside it.
    name = "person within the stopping path"
    assert np.array(wide[name])[np.array(read[name])].mean() >= 0.95
