from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drivesim.pilots import load_pilot
from drivesim.scenario.loader import load, loads
from probes.domains.driving_moments import Moment, moment_of_sketch
from probes.domains.moment_drives import Condition, Plan, Record, drive_from, film_side_by_side, record
from probes.domains.moment_scenario import NoCrossing, crossing_of, hit_share, write_scenario
from tests.probes.domains.sketches import PERSON, sketch, sketcher

DISTRACTED = Condition("distracted", load("distracted"))
NOBODY = Condition("nobody", load("reasonable"), is_peopled=False)


@cache
def plan() -> Plan:
    pilot, _ = load_pilot("driver:blind", load("reasonable"))
    return Plan(pilot, (500_000, 500_001), 5.0)


@cache
def moment() -> Moment:
    """Somebody steps off 25 m ahead, from the right kerb, while the ego comes at 8 m/s."""
    # He needs 2.2 s to the middle of the lane, the ego 2.5.
    return moment_of_sketch(
        sketcher(), sketch(x=145.0, speed=8.0, bodies=[(PERSON, [24.0, -1.9, -8.0, 0.8])]), "m"
    )


@cache
def hit() -> Record:
    drives = drive_from(plan(), moment(), 3, DISTRACTED)
    k = next(k for k, drive in enumerate(drives) if drive.is_avoidable)
    return record(plan(), moment(), DISTRACTED, k)


def test_drives_are_named_by_their_moment_and_seed() -> None:
    drives = drive_from(plan(), moment(), 3, DISTRACTED)
    assert [drive.start for drive in drives] == [6, 7]
    assert any(drive.is_hit and drive.is_avoidable for drive in drives)
    assert all(drive.time_to_collision is not None for drive in drives if drive.is_hit)


def test_an_agent_drives_on_alike_by_the_images_of_pybullet() -> None:
    pytest.importorskip("pybullet")
    pilot, _ = load_pilot("reasonable-seg4", load("reasonable"))
    agent = Plan(pilot, (500_000,), 1.5)
    (ours,) = drive_from(agent, moment(), 0, DISTRACTED)
    (reference,) = drive_from(replace(agent, renderer="bullet"), moment(), 0, DISTRACTED)
    assert reference.ending == ours.ending
    assert reference.metres == pytest.approx(ours.metres, abs=0.05)


def test_nobody_is_hit_where_there_is_nobody() -> None:
    assert not any(drive.is_hit for drive in drive_from(plan(), moment(), 3, NOBODY))


def test_a_record_is_the_same_drive() -> None:
    drives = drive_from(plan(), moment(), 0, DISTRACTED)
    found = hit()
    again = drives[[drive.is_avoidable for drive in drives].index(True)]
    assert found.drive.time_s == again.seconds
    assert len(found.towns) == len(found.controls) + 1
    assert found.towns[0].ego["x"][0] == 145.0
    assert found.towns[-1].ego["x"][0] == pytest.approx(145.0 + found.drive.distance_m)


def test_drives_are_filmed_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("pybullet")
    short = replace(hit(), towns=hit().towns[-3:], controls=hit().controls[-2:])
    other = record(plan(), moment(), NOBODY, 0)
    other = replace(other, towns=other.towns[:2], controls=other.controls[:1])
    film_side_by_side({"distracted": short, "nobody": other}, tmp_path / "both.mp4")
    from tests.render.test_video import read_back

    frames = np.asarray(read_back(tmp_path / "both.mp4").frames)
    assert frames.shape[2] > 2 * 768 - 2
    assert len(frames) > 3  # the aftermath of the hit follows
    half = frames.shape[2] // 2
    assert np.abs(frames[-1, :, half:].astype(int) - frames[2, :, half:].astype(int)).mean() < 2
    assert np.abs(frames[-1, :, :half].astype(int) - frames[2, :, :half].astype(int)).mean() > 2


def test_a_hit_becomes_a_scripted_crossing() -> None:
    found = crossing_of(hit())
    trigger = found["trigger"]
    # He left the stance, 3.85 from the middle, for -3.65 (0.2 m) at 0.8 m/s: a quarter of a second ago.
    assert found["back"] == pytest.approx(8.0 * 0.25, abs=1e-6)
    assert trigger["side"] == "right"
    assert trigger["speed"] == pytest.approx(0.8)
    assert trigger["position"] == pytest.approx(24.0 + 2.0)
    assert trigger["time_to_collision"] == pytest.approx((24.0 - 2.25 + 2.0) / 8.0)


def test_the_scenario_of_a_hit_is_valid_and_ends_alike(tmp_path: Path) -> None:
    text = write_scenario(hit(), load("distracted"), "replay-m-1", "What followed.")
    scenario = loads(text.encode())
    assert (scenario.name, scenario.extends) == ("replay-m-1", "distracted")
    assert scenario.ego.start_position == pytest.approx((145.0 - 2.0) % 120.0, abs=1e-3)
    assert scenario.cars.count == scenario.pedestrians.count == 0
    file = tmp_path / "replay.yaml"
    file.write_text(text)
    assert hit_share(file, "driver:blind", range(500_000, 500_010)).value > 0.5
    assert hit_share(file, "driver:expert", range(500_000, 500_010)).value == 0.0


def test_a_scenario_of_ones_own_is_written_whole() -> None:
    base = load("distracted").model_copy(update={"name": "mine"})
    assert loads(write_scenario(hit(), base, "replay-m-1", "").encode()).extends is None


def test_a_drive_without_a_hit_is_no_crossing() -> None:
    with pytest.raises(NoCrossing, match="nobody was hit"):
        crossing_of(record(plan(), moment(), NOBODY, 0))
