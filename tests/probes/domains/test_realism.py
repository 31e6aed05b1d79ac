"""What could be real: drawn streets that break one rule each, and real ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.drivers import DRIVERS
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.domains.realism import changed_share, is_smooth, judge_of, self_consistency
from probes.states import Plane, StateLayout
from tests.probes.domains.drawings import FULL8, SEG4, pictures, put, street, viewpoint
from tests.towns import scenario

CAR, PERSON, ROAD, SKY = SemanticClass.CAR, SemanticClass.PERSON, SemanticClass.ROAD, SemanticClass.SKY
BUILDING = SemanticClass.BUILDING


def broken(stored: NDArray[np.uint8], layout: StateLayout = SEG4) -> set[str]:
    """Return the rules that the one state breaks."""
    checks = self_consistency(stored, layout, viewpoint())
    assert all(where.shape == (1,) for where in checks.values())
    return {name for name, where in checks.items() if not where[0]}


@pytest.mark.parametrize("layout", [SEG4, FULL8])
def test_a_street_with_a_car_and_a_person_on_it_is_realistic(layout: StateLayout) -> None:
    stored = street(1, layout)
    put(pictures(stored, layout), PERSON, (62, 72), (62, 65))
    put(pictures(stored, layout), CAR, (63, 76), (20, 34))
    assert broken(stored, layout) == set()


@pytest.mark.parametrize("frame", [0, 3])
def test_a_road_above_the_horizon_is_not_realistic(frame: int) -> None:
    stored = street()
    put(pictures(stored)[:, frame], ROAD, (10, 12), (0, 127))
    assert broken(stored) == {"road_below_horizon", "realistic"}


def test_a_judge_tells_states_apart_and_needs_classes() -> None:
    judge = judge_of(SEG4, viewpoint())
    assert judge is not None
    floating = street()
    put(pictures(floating)[:, 0], ROAD, (10, 12), (0, 127))
    assert judge(np.concatenate([street(), floating])).tolist() == [True, False]
    assert judge_of(StateLayout((Plane("gray", "level"),), 4, 128, 128), viewpoint()) is None


def test_sky_below_the_horizon_is_not_realistic() -> None:
    stored = street()
    put(pictures(stored), SKY, (90, 95), (0, 127))
    assert "road_below_horizon" in broken(stored)


def test_a_blurred_horizon_is_forgiven() -> None:
    stored = street()
    put(pictures(stored), ROAD, (62, 64), (0, 127))
    put(pictures(stored)[..., 64:], SKY, (65, 66), (0, 63))
    assert broken(stored) == set()


def test_there_must_be_a_road_before_the_ego() -> None:
    stored = street()
    put(pictures(stored), SemanticClass.VEGETATION, (110, 127), (30, 100))
    assert broken(stored) == {"road_below_horizon", "realistic"}


@pytest.mark.parametrize("behind", [SKY, BUILDING])
@pytest.mark.parametrize("who", [CAR, PERSON])
def test_nobody_stands_in_the_sky_or_on_a_wall(behind: SemanticClass, who: SemanticClass) -> None:
    stored = street()
    put(pictures(stored), behind, (0, 64), (0, 127))
    put(pictures(stored), who, (20, 31), (60, 63))
    assert broken(stored) == {"nobody_floats", "realistic"}


def test_what_is_too_small_to_judge_may_float() -> None:
    stored = street()
    put(pictures(stored), PERSON, (20, 21), (60, 60))
    assert broken(stored) == set()


@pytest.mark.parametrize("who", [CAR, PERSON])
@pytest.mark.parametrize("rows", [(30, 72), (62, 74), (71, 74), (100, 104)])
def test_nobody_is_much_taller_or_shorter_than_the_distance_of_the_feet_says(
    rows: tuple[int, int], who: SemanticClass
) -> None:
    stored = street()
    put(pictures(stored), who, rows, (60, 65))
    # Feet at 73 are 9.96 m away, where 1.75 m fill 11 rows; at 75, 14 rows; at 105, 51 rows.
    is_wrong = rows != (62, 74)
    assert ("nobody_floats" in broken(stored)) == is_wrong


def test_feet_may_be_hidden_by_a_car() -> None:
    stored = street()
    put(pictures(stored), PERSON, (56, 62), (60, 65))
    put(pictures(stored), CAR, (63, 80), (50, 80))
    assert broken(stored) == set()


def test_what_hides_a_head_hides_all_below() -> None:
    stored = street()
    put(pictures(stored), CAR, (58, 80), (50, 80))
    put(pictures(stored), PERSON, (67, 72), (60, 62))
    assert broken(stored) == {"nobody_floats", "realistic"}
    put(pictures(stored), PERSON, (62, 72), (60, 62))
    assert broken(stored) == set()


def test_a_person_may_not_flicker_but_may_leave_the_picture() -> None:
    flickering, leaving = street(), street()
    for frame in (0, 2, 3):
        put(pictures(flickering)[:, frame], PERSON, (62, 72), (62, 65))
    put(pictures(leaving)[:, 0], PERSON, (50, 115), (100, 120))
    assert broken(flickering) == {"frames_agree", "realistic"}
    assert broken(leaving) == set()


def test_a_person_may_appear_from_nowhere_as_little_as_vanish() -> None:
    stored = street()
    put(pictures(stored)[:, -1], PERSON, (62, 72), (62, 65))
    assert "frames_agree" in broken(stored)


def test_a_person_may_walk_a_little_from_frame_to_frame() -> None:
    stored = street()
    for frame in range(4):
        put(pictures(stored)[:, frame], PERSON, (62, 72), (50 + 5 * frame, 53 + 5 * frame))
    assert broken(stored) == set()


def test_a_frame_of_another_place_does_not_agree() -> None:
    stored = street()
    put(pictures(stored)[:, 1], BUILDING, (0, 40), (0, 127))
    assert broken(stored) == {"frames_agree", "realistic"}


def test_changes_of_paint_and_of_a_light_do_not_count() -> None:
    stored = street()
    put(pictures(stored)[:, 1], SemanticClass.CROSSWALK, (80, 120), (0, 127))
    put(pictures(stored), SemanticClass.LIGHT_RED, (30, 40), (90, 99))
    put(pictures(stored)[:, 2:], SemanticClass.LIGHT_GREEN, (30, 40), (90, 99))
    put(pictures(stored)[:, 3], BUILDING, (0, 15), (0, 63))
    assert changed_share(pictures(stored)).tolist() == [[0.0, 0.0, 16 * 64 / 128**2]]


def test_noise_is_not_smooth_even_where_it_stays_from_frame_to_frame() -> None:
    rng = np.random.default_rng(0)
    stored = street()
    is_noise = rng.random((128, 128)) < 0.01
    pictures(stored)[:, :, is_noise] = rng.integers(0, NUM_CLASSES, int(is_noise.sum()), np.uint8)
    assert "smooth" in broken(stored)
    assert is_smooth(pictures(street())).all()


def test_one_state_s_fault_is_not_another_s() -> None:
    stored = street(3)
    put(pictures(stored)[1], PERSON, (20, 31), (60, 63))
    checks = self_consistency(stored, SEG4, viewpoint())
    assert checks["realistic"].tolist() == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reasonable", "distracted"])
def test_real_states_are_realistic_and_mixtures_of_them_are_not(name: str) -> None:
    env = DrivingVectorEnv(12, scenario(name))
    env.reset(seed=7)
    taken = []
    for step in range(200):
        states, *_ = env.step_controls(DRIVERS["expert"](env.state, env.tables))
        if step % 10 == 9:
            taken.append(states)
    env.close()
    real = np.concatenate(taken)
    assert self_consistency(real, SEG4, viewpoint())["realistic"].mean() >= 0.98
    rng = np.random.default_rng(0)
    mixed = np.stack([real[rng.permutation(len(real)), t] for t in range(4)], axis=1)
    assert self_consistency(mixed, SEG4, viewpoint())["realistic"].mean() <= 0.05
