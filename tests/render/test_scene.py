"""Scenes: what the builder keeps changes its speed only, and each world stands on its own ground."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drivesim.render.actors import FIRST_CAR, FIRST_PERSON
from drivesim.render.scene import Scene, SceneBuilder
from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from drivesim.world.parameters import compile_tables
from drivesim.world.state import AWAY, TownState
from drivesim.world.town import class_map
from tests.towns import SHIPPED, begin, changed, drive, scenario, tables


def contents(scene: Scene, n: int) -> list[Any]:
    """Copy all that is drawn of world n."""
    count = scene.prisms.counts[n]
    prisms = scene.prisms
    columns = [
        array[n, :count].copy() for array in (prisms.boxes, prisms.classes, prisms.tones, prisms.owners)
    ]
    ground = scene.ground
    return [
        *columns,
        ground.maps[ground.index[n]].copy(),
        ground.periods[ground.index[n]],
        scene.poses[n].copy(),
    ]


def assert_same(a: list[Any], b: list[Any]) -> None:
    """Assert that two worlds' contents are equal bit for bit."""
    for one, two in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_what_a_builder_keeps_changes_no_picture(name: str) -> None:
    compiled = tables(name)
    state = begin(compiled, [0, 1, 2])
    kept = SceneBuilder(scenario(name), 3)
    blocks = set()
    for k, (now, _) in enumerate(drive(state, compiled, "expert", 300)):
        if k % 15 == 0:
            blocks |= set(now.ego["x"] // now.town["block_length"])
            fresh = SceneBuilder(scenario(name), 3).build(now)
            whole = kept.build(now)
            for n in range(3):
                assert_same(contents(whole, n), contents(fresh, n))
    assert len(blocks) > 3


@pytest.mark.parametrize("name", SHIPPED)
def test_every_scenarios_scene_holds_everybody_who_is_there(name: str) -> None:
    state = begin(tables(name), [0, 1])
    scene = SceneBuilder(scenario(name), 2).build(state)
    for n in range(2):
        _, classes, _, owners, _, period, _ = contents(scene, n)
        cars = np.flatnonzero(state.cars["is_active"][n])
        people = np.flatnonzero(state.people["mode"][n] != AWAY)
        assert np.unique(owners[classes == SemanticClass.CAR]).tolist() == (FIRST_CAR + cars).tolist()
        assert owners[classes == SemanticClass.PERSON].tolist() == (FIRST_PERSON + people).tolist()
        assert ((owners >= 0) == np.isin(classes, (SemanticClass.CAR, SemanticClass.PERSON))).all()
        assert classes.max() < NUM_CLASSES
        assert period == state.town["block_length"][n]
        assert scene.prisms.counts[n] < scene.prisms.classes.shape[1]


def test_the_camera_is_mounted_on_the_ego() -> None:
    mount = {"forward": 1.5, "lateral": -0.5, "height_above_ground": 1.2, "yaw": 0.25}
    plan = changed("empty_road", camera=mount)
    state = begin(compile_tables(plan), [0])
    state.ego["x"], state.ego["y"], state.ego["yaw"] = 5 * 120.0 + 30.0, -1.75, np.pi / 2
    pose = SceneBuilder(plan, 1).build(state).poses[0]
    # Facing +y, 1.5 m ahead is +y and 0.5 m to the right is +x; x counts from the block's start.
    np.testing.assert_allclose(pose, [30.5, -0.25, 1.2, np.pi / 2 + 0.25])


def test_the_ego_is_drawn_on_request() -> None:
    state = begin(tables("empty_road"), [0])
    without = SceneBuilder(scenario("empty_road"), 1).build(state)
    assert not (contents(without, 0)[3] == 0).any()
    with_ego = SceneBuilder(scenario("empty_road"), 1, with_ego=True).build(state)
    boxes, _, _, owners, *_ = contents(with_ego, 0)
    assert (owners == 0).sum() == 2
    body = boxes[owners == 0][0]
    assert body[0] == pytest.approx(state.ego["x"][0] % 120.0)
    assert body[1] == state.ego["y"][0]


def worlds_of(widths: list[float]) -> TownState:
    """Start towns that differ in the width of their lanes."""
    state = begin(tables("empty_road"), list(range(len(widths))))
    state.town["lane_width"] = widths
    return state


@pytest.mark.parametrize("widths", [[3.0, 3.0], [3.0, 4.0], [3.0, 4.0, 3.0, 3.5]])
def test_each_world_stands_on_its_own_towns_ground(widths: list[float]) -> None:
    state = worlds_of(widths)
    builder = SceneBuilder(scenario("empty_road"), len(widths))
    # The streets change world by world, so that maps are shared, left and taken over.
    for turn in range(6):
        scene = builder.build(state)
        for n, town in enumerate(state.town):
            np.testing.assert_array_equal(scene.ground.maps[scene.ground.index[n]], class_map(town))
        state.town["lane_width"][turn % len(widths)] += 0.25
    assert len(scene.ground.maps) <= 8
