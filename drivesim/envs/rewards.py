"""The reward's terms and the endings, each a plain function of a decision's outcomes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from drivesim.scenario.schema import Reward, Termination
from drivesim.world.state import Records

Terms = dict[str, NDArray[np.float64]]


class Ending(IntEnum):
    """Why an episode ended; the more severe wins where two fall together."""

    NONE = 0
    TIME = 1
    OFF_ROAD = 2
    CAR = 3
    PERSON = 4


def progress(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Pay for metres along the lane; driving against it costs as much."""
    return weights.progress * outcomes["progress"]


def time(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge each decision."""
    return np.full(len(outcomes), -weights.time)


def swerve(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge lateral acceleration, as a share of its limit."""
    return -weights.swerve * outcomes["swerve"]


def lane_offset(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge the distance (m) from the nearest lane centre of the right direction."""
    distance: NDArray[np.float64] = np.abs(outcomes["lane_offset"])
    return -weights.lane_offset * distance


def red_light(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge a stop line passed at red."""
    return -weights.red_light * outcomes["ran_red"]


def off_road(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge leaving the road."""
    return -weights.off_road * outcomes["off_road"]


def car(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge the contact with a car."""
    return -weights.car * (outcomes["car"] >= 0).astype(np.float64)


def person(outcomes: Records, weights: Reward) -> NDArray[np.float64]:
    """Charge the contact with a person: the largest penalty, so that blindness is not the reward's doing."""
    return -weights.person * (outcomes["person"] >= 0).astype(np.float64)


TERMS = {
    "progress": progress,
    "time": time,
    "swerve": swerve,
    "lane_offset": lane_offset,
    "red_light": red_light,
    "off_road": off_road,
    "car": car,
    "person": person,
}


def reward_terms(outcomes: Records, weights: Reward) -> Terms:
    """Compute every term of one decision, (N,) each; the reward is their sum."""
    return {name: term(outcomes, weights) for name, term in TERMS.items()}


def total_reward(terms: Terms) -> NDArray[np.float64]:
    """Add up the terms one by one, (N,): `np.sum` rounds differently for different N."""
    total = np.zeros_like(terms["progress"])
    for term in terms.values():
        total += term
    return total


def endings(outcomes: Records, is_out_of_time: NDArray[np.bool_], rules: Termination) -> NDArray[np.int8]:
    """Tell how each world's decision ended, (N,) of `Ending`."""
    reasons = np.zeros(len(outcomes), np.int8)
    reasons[is_out_of_time] = Ending.TIME
    if rules.on_off_road:
        reasons[outcomes["off_road"] == 1] = Ending.OFF_ROAD
    if rules.on_car:
        reasons[outcomes["car"] >= 0] = Ending.CAR
    if rules.on_person:
        reasons[outcomes["person"] >= 0] = Ending.PERSON
    return reasons
