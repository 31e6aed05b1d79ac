"""Episodes that begin at a given moment: what is seen is the moment's, what is not, the scenario's.

How those who are seen go on, and who else is near where the camera does not look, is drawn by a seed, as at
the start of any other episode of the scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from drivesim.envs.snapshot import Snapshot
from drivesim.scenario.schema import Scenario
from drivesim.world import advance
from drivesim.world.cars import ENTRY_GAP
from drivesim.world.parameters import EGO_BODY, TOWN_MAP, TOWN_SIGNALS, compile_tables
from drivesim.world.pedestrians import KERB_STANCE
from drivesim.world.state import AWAY, CROSSING, WAITING, WALKING, Records, TownState
from drivesim.world.town import fold, half_road, stop_line
from probes.agent import ProbeError
from probes.domains.driving_moments import Moment, seen, without_people

_OUT_OF_SIGHT = 1e4
"""m behind the ego; who is there enters again ahead."""
_MOVES = 0.2
"""m/s from which on a person walks."""
_WALKS = (0.3, 3.0)
"""m/s, the limits of a scenario's walking speeds."""
_ON_KERB = 0.4
"""m behind the kerb's stance at which somebody who stands still waits to cross."""
_STRIDES = 15.0
"""m to go for who walks along and whose goal lies behind him."""


def begin_at(
    moment: Moment, scenario: Scenario, seeds: Sequence[int], is_peopled: bool = True
) -> tuple[Scenario, Snapshot]:
    """Let episodes of a scenario begin at a moment.

    Args:
        moment: who is seen, and where.
        scenario: how they behave; and who else is about, out of sight.
        seeds: N of them, of all that is drawn.
        is_peopled: whether there are people at all; without, nobody is seen in the past either.

    Returns:
        The scenario with the moment's map and ego, and N towns of it.

    Raises:
        ProbeError: more are seen than the scenario has room for.
    """
    if not is_peopled:
        moment = without_people(moment, scenario)
    pinned = _pinned(scenario, moment)
    tables = compile_tables(pinned)
    found = moment.towns.cars.shape[1], moment.towns.people.shape[1]
    first = len(scenario.triggers)
    room = tables.capacity_cars, tables.capacity_people - first
    if found[0] > room[0] or found[1] > room[1]:
        raise ProbeError(
            f"{moment.label}: found {found[0]} cars and {found[1]} people who are seen; scenario"
            f" {scenario.name!r} allows {room[0]} and {room[1]}"
        )
    towns = _begun(pinned, seeds)
    _shift(towns, moment)
    towns.town["tick"] = moment.towns.town["tick"]
    now = towns.town["tick"] * tables.physics_dt
    towns.people["due"] += now[:, None]
    _place_cars(towns, moment)
    _place_people(towns, moment, first, now)
    _clear_sight(towns, pinned, found[0], first + found[1])
    if not is_peopled:
        towns.people["mode"] = AWAY
        towns.town["num_people"] = 0
    frames = np.repeat(moment.frames[None], len(seeds), axis=0)
    return pinned, Snapshot(towns, frames)


def _pinned(scenario: Scenario, moment: Moment) -> Scenario:
    """Return the scenario with the map, the signals and the ego of a moment."""
    town, ego = moment.towns.town[0], moment.towns.ego[0]
    signals = {name: town["signals_enabled" if name == "enabled" else name] for name in TOWN_SIGNALS}
    body = {name: ego[name] for name in EGO_BODY if name not in ("length", "width")}
    lane = -(round(float(town["lanes"])) - 0.5) * town["lane_width"]
    start = {
        "length": 2 * ego["half_length"],
        "width": 2 * ego["half_width"],
        "start_position": float(ego["x"]) % float(town["block_length"]),
        "lateral_offset": ego["y"] - lane,
        "heading_offset": ego["yaw"],
        "start_speed": ego["speed"],
    }
    return scenario.model_copy(
        update={
            "map": _with(scenario.map, {name: town[name] for name in TOWN_MAP}),
            "signals": _with(scenario.signals, signals),
            "ego": _with(scenario.ego, {**body, **start}),
        }
    )


def _with(section: BaseModel, values: dict[str, Any]) -> BaseModel:
    """Return a section with numbers for what it may draw."""
    plain = {
        name: bool(value) if isinstance(getattr(section, name), bool) else float(value)
        for name, value in values.items()
    }
    return section.model_copy(update=plain)


def _begun(scenario: Scenario, seeds: Sequence[int]) -> TownState:
    """Begin episodes, everybody whom there is room for drawn, as many counted as the scenario draws."""
    tables = compile_tables(scenario)
    drawn = np.asarray(seeds, np.int64)
    usual = advance.begun(tables, drawn)
    cars, people = tables.capacity_cars, tables.capacity_people - len(scenario.triggers)
    crowded = scenario.model_copy(
        update={
            "cars": scenario.cars.model_copy(update={"count": float(cars)}),
            "pedestrians": scenario.pedestrians.model_copy(update={"count": float(people)}),
        }
    )
    full = advance.begun(compile_tables(crowded), drawn)
    for name in ("num_cars", "num_people"):
        full.town[name] = usual.town[name]
    return full


def _shift(towns: TownState, moment: Moment) -> None:
    """Move all by whole blocks to where the moment is; the ego exactly there."""
    by = moment.x - towns.ego["x"]
    towns.ego["x"] = moment.x
    for records in (towns.cars, towns.people):
        records["x"] += by[:, None]
    towns.people["goal_x"] += by[:, None]
    for name in ("steer", "target_acceleration", "brake"):
        towns.ego[name] = moment.towns.ego[name]


def _place_cars(towns: TownState, moment: Moment) -> None:
    seen = moment.towns.cars[0]
    count = len(seen)
    for name in ("x", "y", "speed", "cos", "sin", "half_length", "half_width"):
        towns.cars[name][:, :count] = seen[name]
    towns.cars["is_active"][:, :count] = 1
    towns.cars["acceleration"][:, :count] = 0.0
    towns.cars["desired_speed"][:, :count] = np.maximum(towns.cars["desired_speed"][:, :count], seen["speed"])
    towns.town["num_cars"] = np.maximum(towns.town["num_cars"], count)
    for n in range(len(towns)):
        for car in towns.cars[n, count:]:
            near = (np.abs(seen["x"] - car["x"]) < ENTRY_GAP) & (np.abs(seen["y"] - car["y"]) < ENTRY_GAP)
            if near.any():
                car["is_active"] = 0


def _place_people(towns: TownState, moment: Moment, first: int, now: NDArray[np.float64]) -> None:
    """Put those who are seen into the slots after the scripted ones; each goes on with what he does."""
    seen, town = moment.towns.people[0], moment.towns.town[0]
    for k, who in enumerate(seen):
        people = towns.people[:, first + k]
        for name in ("x", "y", "half_width", "height"):
            people[name] = who[name]
        _go_on(people, who, town, now)
        towns.people[:, first + k] = people
    towns.town["num_people"] = np.maximum(towns.town["num_people"], first + len(seen))


def _go_on(people: Records, who: Any, town: Any, now: NDArray[np.float64]) -> None:
    """Let a person (N,) do what his place and pace tell: cross, walk along, wait at the kerb or stand.

    Args:
        people: of N worlds, with what the scenario has drawn for them; changed in place.
        who: as he is seen.
        town: whose street it is.
        now: (N,) s.
    """
    stance = half_road(town) + KERB_STANCE
    x, y, along, across = (float(who[name]) for name in ("x", "y", "velocity_x", "velocity_y"))
    people["velocity_x"], people["velocity_y"] = along, across
    people["side"], people["waited"], people["started"] = np.sign(y) or 1.0, 0.0, -1.0
    inward = -across * np.sign(y)
    if abs(y) < stance - 1e-6 or (inward > _MOVES and inward > abs(along)):
        side = -np.sign(across) if abs(across) > _MOVES else np.sign(y) or 1.0
        people["mode"], people["side"], people["velocity_x"] = CROSSING, side, 0.0
        if abs(across) > _WALKS[0]:
            people["walking_speed"] = min(abs(across), _WALKS[1])
        people["started"] = now - np.maximum(stance - side * y, 0.0) / people["walking_speed"]
    elif abs(along) > _MOVES:
        people["mode"] = WALKING
        people["walking_speed"] = np.clip(abs(along), *_WALKS)
        is_behind = (people["goal_x"] - x) * along <= 0.0
        people["goal_x"] = np.where(is_behind, x + np.sign(along) * _STRIDES, people["goal_x"])
    elif abs(y) < stance + _ON_KERB:
        people["mode"], people["goal_x"] = WAITING, x
        people["velocity_x"] = people["velocity_y"] = 0.0
        people["place"] = _place_of(x, town)
    else:
        people["mode"] = WALKING


def _place_of(x: float, town: Any) -> int:
    """Return what kind of crossing is at x, as `PersonRecord.place` has it."""
    length = float(town["block_length"])
    if abs(fold(x, length)) < stop_line(town):
        return 0
    is_middle = abs(fold(x - length / 2, length)) < float(town["crosswalk_width"]) / 2
    return 1 if is_middle and town["midblock_crosswalks"] else 2


def _clear_sight(towns: TownState, scenario: Scenario, cars: int, people: int) -> None:
    """Send away whoever the scenario has put where the moment shows nobody.

    Args:
        towns: changed in place.
        scenario: whose camera looks.
        cars: seen ones, who stay.
        people: likewise, scripted ones included.
    """
    while True:  # who goes may have hidden somebody
        is_car, is_person = seen(towns, scenario)
        is_car[:, :cars], is_person[:, :people] = False, False
        if not is_car.any() and not is_person.any():
            return
        towns.cars["is_active"][is_car] = 0
        behind = np.broadcast_to(towns.ego["x"][:, None] - _OUT_OF_SIGHT, is_person.shape)
        towns.people["x"][is_person] = behind[is_person]
