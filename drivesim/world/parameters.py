"""What a scenario leaves to chance, as tables that kernels draw from.

Each row is one number of the scenario: a constant or a distribution with its bounds. Which row of which
table fills which field of the state is fixed here, so that draws of one field never shift another's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from drivesim.kernels import kernel
from drivesim.scenario.quantity import NORMAL_CUT, compile_quantities
from drivesim.scenario.schema import Scenario
from drivesim.world.random import standard_normal, uniform

TOWN_MAP = (
    "block_length",
    "lane_width",
    "lanes",
    "sidewalk_width",
    "crosswalk_width",
    "intersection_crosswalks",
    "midblock_crosswalks",
    "building_height_min",
    "building_height_max",
    "tree_spacing",
)
TOWN_SIGNALS = ("enabled", "green", "yellow", "all_red", "walk", "offset_spread")
EGO_START = ("start_position", "lateral_offset", "heading_offset", "start_speed")
EGO_BODY = (
    "top_speed",
    "reverse_speed",
    "acceleration",
    "braking",
    "max_steer",
    "wheelbase",
    "length",
    "width",
    "max_lateral_acceleration",
)
CAR = (
    "desired_speed",
    "time_headway",
    "minimum_gap",
    "max_acceleration",
    "comfortable_braking",
    "max_braking",
    "obeys_signals",
    "yields_to_people",
    "length",
    "width",
)
TRAFFIC = ("count", "window_ahead", "window_behind")
PERSON = ("crossing_interval", "body_width", "body_height")
PROFILE = (
    "walking_speed",
    "look_probability",
    "gap_slope",
    "gap_intercept",
    "gap_margin",
    "look_distance",
    "start_delay",
    "obeys_signal",
    "midblock_share",
    "jaywalk_share",
    "reacts_while_crossing",
    "holds_phone",
    "kerb_setback",
)
#: Row numbers within `PROFILE`, for kernels.
(
    WALKING_SPEED,
    LOOK_PROBABILITY,
    GAP_SLOPE,
    GAP_INTERCEPT,
    GAP_MARGIN,
    LOOK_DISTANCE,
    START_DELAY,
    OBEYS_SIGNAL,
    MIDBLOCK_SHARE,
    JAYWALK_SHARE,
    REACTS,
    HOLDS_PHONE,
    KERB_SETBACK,
) = range(len(PROFILE))


#: First rows of the sections in `Tables.rows`; the profiles follow one another from `PROFILES` on.
TOWN_ROWS = 0
EGO_ROWS = TOWN_ROWS + len(TOWN_MAP) + len(TOWN_SIGNALS)
TRAFFIC_ROWS = EGO_ROWS + len(EGO_START) + len(EGO_BODY)
CAR_ROWS = TRAFFIC_ROWS + len(TRAFFIC)
CROWD_ROWS = CAR_ROWS + len(CAR)
PERSON_ROWS = CROWD_ROWS + len(TRAFFIC)
PROFILES = PERSON_ROWS + len(PERSON)

#: Columns of `Tables.rows`.
_KIND, _A, _B, _LOW, _HIGH, _NUM_CHOICES, _CHOICES = range(7)


class Tables(NamedTuple):
    """A compiled scenario: all that is drawn, and the few constants that kernels read directly."""

    rows: NDArray[np.float64]
    """(R, 6 + 16): kind (0 constant, 1 uniform, 2 normal, 3 choice), a (constant, lower end or mean),
    b (upper end or standard deviation), low and high bounds, number of choices, the choices."""
    mix: NDArray[np.float64]
    """Cumulative shares of the profiles."""
    triggers: NDArray[np.float64]
    """(T, 5): position (m), side (+1 left), time to collision (s), minimum distance (m), speed (m/s)."""
    town_seed: int
    allow_unavoidable: bool
    stop_on_person: bool
    """Whether a world stops at the physics step of its first contact; likewise the next two."""
    stop_on_car: bool
    stop_off_road: bool
    off_road_margin: float
    """m beyond the kerb that still count as road."""
    capacity_cars: int
    capacity_people: int
    """Triggers included."""
    physics_dt: float
    """s."""
    substeps: int
    """Physics steps in a decision."""


def _rows(model: BaseModel, names: tuple[str, ...]) -> NDArray[np.float64]:
    table = compile_quantities(model, names)
    columns = (table.kind, table.a, table.b, table.low, table.high, table.num_choices)
    return np.concatenate([np.stack([c.astype(np.float64) for c in columns], 1), table.choices], 1)


def _largest(row: NDArray[np.float64]) -> int:
    """Return the largest count that a row can draw."""
    kind = int(row[_KIND])
    ends = (row[_A], row[_B], row[_HIGH], row[_CHOICES : _CHOICES + int(row[_NUM_CHOICES])].max(initial=0.0))
    return int(np.floor(ends[kind] + 0.5))


def compile_tables(scenario: Scenario) -> Tables:
    """Compile a scenario's numbers for the kernels of `advance`."""
    people = scenario.pedestrians
    shares = np.array([people.mix[name] for name in people.mix], np.float64)
    triggers = [
        (t.position, 1.0 if t.side == "left" else -1.0, t.time_to_collision, t.minimum_distance, t.speed)
        for t in scenario.triggers
    ]
    rows = np.concatenate(
        [
            _rows(scenario.map, TOWN_MAP),
            _rows(scenario.signals, TOWN_SIGNALS),
            _rows(scenario.ego, EGO_START + EGO_BODY),
            _rows(scenario.cars, TRAFFIC),
            _rows(scenario.cars, CAR),
            _rows(people, TRAFFIC),
            _rows(people, PERSON),
            *(_rows(people.profiles[name], PROFILE) for name in people.mix),
        ]
    )
    return Tables(
        rows=rows,
        mix=np.cumsum(shares / shares.sum()),
        triggers=np.array(triggers, np.float64).reshape(-1, 5),
        town_seed=scenario.seed,
        allow_unavoidable=scenario.allow_unavoidable,
        stop_on_person=scenario.termination.on_person,
        stop_on_car=scenario.termination.on_car,
        stop_off_road=scenario.termination.on_off_road,
        off_road_margin=scenario.termination.off_road_margin,
        capacity_cars=_largest(rows[TRAFFIC_ROWS]),
        capacity_people=_largest(rows[CROWD_ROWS]) + len(triggers),
        physics_dt=1.0 / scenario.sim.physics_hz,
        substeps=scenario.sim.physics_hz // scenario.sim.decision_hz,
    )


@kernel
def draw_for(tables: Tables, row: int, purpose: int, seed: int, stream: int, index: int, count: int) -> float:
    """Draw one row for a purpose: the same key gives the same quantile whatever the row holds."""
    numbers = tables.rows[row]
    kind = numbers[_KIND]
    if kind == 0:
        return float(numbers[_A])
    if kind == 1:
        value = numbers[_A] + (numbers[_B] - numbers[_A]) * uniform(seed, stream, index, count, purpose)
    elif kind == 2:
        normal = standard_normal(seed, stream, index, count, purpose)
        value = numbers[_A] + numbers[_B] * min(max(normal, -NORMAL_CUT), NORMAL_CUT)
    else:
        pick = int(uniform(seed, stream, index, count, purpose) * numbers[_NUM_CHOICES])
        value = numbers[_CHOICES + pick]
    return float(min(max(value, numbers[_LOW]), numbers[_HIGH]))


@kernel
def draw(tables: Tables, row: int, seed: int, stream: int, index: int, count: int) -> float:
    """Draw one row; the row is the purpose, so rows are independent of each other."""
    return draw_for(tables, row, row, seed, stream, index, count)


@kernel
def draw_rows(
    out: NDArray[np.float64], tables: Tables, start: int, seed: int, stream: int, index: int, count: int
) -> None:
    """Draw `len(out)` consecutive rows from `start` on."""
    for i in range(len(out)):
        out[i] = draw(tables, start + i, seed, stream, index, count)
