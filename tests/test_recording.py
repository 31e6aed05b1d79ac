from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.drivers import DRIVERS
from drivesim.pilots import load_pilot
from drivesim.recording import AFTERMATH_S, Shot, drive_shots, film, movers
from drivesim.render.actors import FIRST_PERSON
from drivesim.render.bullet_physics import BulletPhysics
from drivesim.render.scene import SceneBuilder
from drivesim.render.video import write_video
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import compile_tables
from tests.render.test_video import read_back

pytest.importorskip("pybullet")


def hit_seed() -> int:
    """Find a seed at which the blind driver hits somebody in `distracted`."""
    scenario = load("distracted")
    pilot, _ = load_pilot("driver:blind", scenario)
    for seed in range(40):
        struck = drive_shots(scenario, pilot, seed, 1.0)[-1].struck
        if struck is not None and struck >= FIRST_PERSON:
            return seed
    raise AssertionError("no hit among 40 seeds")


def test_film_of_a_hit_goes_on_after_it(tmp_path: Path) -> None:
    scenario = load("distracted")
    pilot, _ = load_pilot("driver:blind", scenario)
    shots = drive_shots(scenario, pilot, hit_seed(), last_s=0.5)
    assert shots[-1].caption.startswith("ended: person")
    path = tmp_path / "hit.mp4"
    write_video(path, film(scenario, shots, "test"), fps=10)
    frames = read_back(path).frames
    assert len(frames) == len(shots) + round(AFTERMATH_S * 10)
    assert np.ptp(frames[0]) > 100
    assert np.abs(frames[-1].astype(int) - frames[len(shots)].astype(int)).max() > 30


def first_contact_by_pybullet(shot: Shot, controls: NDArray[np.float64], scenario: Scenario) -> int | None:
    """Replay one decision physics step by physics step; return the tick of PyBullet's first contact."""
    tables = compile_tables(scenario)
    outside = SceneBuilder(scenario, 1, with_ego=True)
    physics = BulletPhysics(scenario.sim.physics_hz)
    try:
        owners, boxes, _ = movers(outside.build(shot.towns), shot.towns)
        physics.set_bodies(owners, boxes)
        for steps in range(1, tables.substeps + 1):
            # The decision is made once, so a decision of k physics steps is the first k of the whole one.
            towns = shot.towns.copy()
            advance.step(towns, controls, tables._replace(substeps=steps))
            _, boxes, _ = movers(outside.build(towns), towns)
            physics.follow(boxes)
            if physics.contacts():
                return int(towns.town["tick"][0])
    finally:
        physics.close()
    return None


def test_pybullet_finds_the_first_contact_within_one_physics_step() -> None:
    scenario = load("distracted")
    pilot, _ = load_pilot("driver:blind", scenario)
    checked = 0
    for seed in range(12):
        *_, before, last = drive_shots(scenario, pilot, seed, 1.0)
        if last.struck is None:
            continue
        controls = DRIVERS["blind"](before.towns, compile_tables(scenario))
        tick = first_contact_by_pybullet(before, controls, scenario)
        assert tick is not None
        assert abs(tick - int(last.towns.town["tick"][0])) <= 1
        checked += 1
    assert checked >= 3
