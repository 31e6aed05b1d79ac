"""Towns to test in: compiled scenarios, single records with numbers of choice, and short drives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from drivesim.drivers import DRIVERS
from drivesim.scenario.loader import load, shipped_names
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.parameters import Tables, compile_tables
from drivesim.world.state import CAR, CROSSING, EGO, PERSON, TOWN, WAITING, Records, TownState

SHIPPED: tuple[str, ...] = tuple(shipped_names())
"""Names of all shipped scenarios."""
CRUISE = np.array([0.0, 0.0, 0.0])
BRAKE = np.array([0.0, 1.0, 0.0])


@cache
def scenario(name: str = "reasonable") -> Scenario:
    """Load a shipped scenario, once."""
    return load(name)


@cache
def tables(name: str = "reasonable") -> Tables:
    """Compile a shipped scenario, once."""
    return compile_tables(scenario(name))


def changed(name: str, **sections: Any) -> Scenario:
    """Return a shipped scenario with some fields of its sections, or fields that are no section, replaced."""
    plan = scenario(name)
    plain = plan.model_dump()
    for section, values in sections.items():
        is_section = isinstance(getattr(plan, section), BaseModel)
        plain[section] = {**plain[section], **values} if is_section else values
    return Scenario.model_validate(plain)


def begin(compiled: Tables, seeds: NDArray[np.int64] | list[int]) -> TownState:
    """Start one town per seed."""
    return advance.begun(compiled, np.asarray(seeds))


def drive(
    state: TownState, compiled: Tables, driver: str, decisions: int
) -> Iterator[tuple[TownState, Records]]:
    """Let a scripted driver take decisions; after each, yield the state (live) and its outcomes.

    A world stops for good at its first contact with a person or car, or off the road.
    """
    active = np.ones(len(state), np.bool_)
    for _ in range(decisions):
        outcomes = advance.step(state, DRIVERS[driver](state, compiled), compiled, active)
        yield state, outcomes
        active &= (outcomes["person"] < 0) & (outcomes["car"] < 0) & (outcomes["off_road"] == 0)


class Start(NamedTuple):
    """The moment before a person steps off."""

    person: Any
    town: Any
    ego: Any
    time: float


def starts(name: str, driver: str = "blind", worlds: int = 8, decisions: int = 400) -> list[Start]:
    """Drive through a scenario and list everybody who steps off, as things were when that was decided."""
    compiled = tables(name)
    state = begin(compiled, list(range(worlds)))
    found: list[Start] = []
    before = state.copy()
    for now, _ in drive(state, compiled, driver, decisions):
        # Somebody new in a slot has entered since.
        stepped = (now.people["mode"] == CROSSING) & (before.people["mode"] != CROSSING)
        stepped &= now.people["entry"] == before.people["entry"]
        for n, j in zip(*np.nonzero(stepped), strict=True):
            time = float(before.town["tick"][n]) * compiled.physics_dt
            found.append(Start(before.people[n, j], before.town[n], before.ego[n], time))
        before = now.copy()
    return found


def _record(dtype: np.dtype[np.void], values: Mapping[str, float]) -> Any:
    record = np.zeros(1, dtype)
    for name, value in values.items():
        record[name] = value
    return record[0]


def town(**values: float) -> Any:
    """Make one record of `TOWN`: a town of 100 m blocks and 7 m roads with signals, unless said otherwise."""
    numbers = {
        "block_length": 100.0,
        "lane_width": 3.5,
        "lanes": 1.0,
        "sidewalk_width": 3.0,
        "crosswalk_width": 3.0,
        "intersection_crosswalks": 1.0,
        "midblock_crosswalks": 1.0,
        "building_height_min": 6.0,
        "building_height_max": 24.0,
        "tree_spacing": 14.0,
        "signals_enabled": 1.0,
        "green": 10.0,
        "yellow": 3.0,
        "all_red": 1.0,
        "walk": 7.0,
    }
    return _record(TOWN, {**numbers, **values})


def ego(**values: float) -> Any:
    """Make one record of `EGO`: the default car, standing in its lane at x = 0."""
    numbers = {
        "y": -1.75,
        "top_speed": 11.2,
        "reverse_speed": 2.0,
        "acceleration": 3.0,
        "braking": 6.0,
        "max_steer": 0.42,
        "wheelbase": 2.7,
        "half_length": 2.25,
        "half_width": 0.9,
        "max_lateral_acceleration": 4.0,
    }
    return _record(EGO, {**numbers, **values})


def car(**values: float) -> Any:
    """Make one record of `CAR`: the default car on the ego's lane, at x = 0, driving along +x at 10 m/s."""
    return cars({**values})[0]


def cars(*each: Mapping[str, float]) -> Records:
    """Make records of `CAR`, as `car` does."""
    numbers = {
        "y": -1.75,
        "speed": 10.0,
        "cos": 1.0,
        "desired_speed": 10.0,
        "time_headway": 1.5,
        "minimum_gap": 2.0,
        "max_acceleration": 1.5,
        "comfortable_braking": 2.0,
        "max_braking": 8.0,
        "obeys_signals": 1.0,
        "yields_to_people": 1.0,
        "half_length": 2.25,
        "half_width": 0.9,
        "is_active": 1,
    }
    return np.array([_record(CAR, {**numbers, **values}) for values in each], CAR)


def person(**values: float) -> Any:
    """Make one record of `PERSON`: attentive, waiting at the right kerb of a 7 m road at x = 0."""
    return people({**values})[0]


def people(*each: Mapping[str, float]) -> Records:
    """Make records of `PERSON`, as `person` does."""
    numbers = {
        "y": -3.85,
        "side": -1.0,
        "started": -1.0,
        "walking_speed": 1.4,
        "accepted_gap": 5.42,
        "look_distance": 80.0,
        "half_width": 0.25,
        "height": 1.75,
        "trigger_time": -1.0,
        "mode": WAITING,
        "place": 2,
        "looks": 1,
        "obeys_signal": 1,
        "reacts": 1,
    }
    return np.array([_record(PERSON, {**numbers, **values}) for values in each], PERSON)
