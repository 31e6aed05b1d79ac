"""The whole state of N towns as plain arrays: a snapshot is a copy of them, nothing hides elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol, get_type_hints

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
"""An array of records; one of them, as kernels see it, has the type of its class below."""


class EgoRecord(Protocol):
    """The car that is driven."""

    x: float  # m, of the centre; the ego's road runs along +x at y = 0
    y: float  # m, positive to the left
    yaw: float  # rad, counter-clockwise from +x
    speed: float  # m/s, negative in reverse
    steer: float  # rad, of the front wheels
    odometer: float  # m along the lane since the start
    target_acceleration: float  # m/s^2, held for the decision
    brake: float  # 0 to 1, held for the decision
    top_speed: float  # the rest is drawn per episode, see scenario.schema.Ego
    reverse_speed: float
    acceleration: float
    braking: float
    max_steer: float
    wheelbase: float
    half_length: float
    half_width: float
    max_lateral_acceleration: float


class CarRecord(Protocol):
    """One of the other cars."""

    x: float  # m, of the centre
    y: float
    speed: float  # m/s
    acceleration: float  # m/s^2, held for the decision
    cos: float  # direction of travel: one of (1, 0), (-1, 0), (0, 1), (0, -1)
    sin: float
    desired_speed: float  # the rest is drawn on entry, see scenario.schema.Cars
    time_headway: float
    minimum_gap: float
    max_acceleration: float
    comfortable_braking: float
    max_braking: float
    obeys_signals: float
    yields_to_people: float
    half_length: float
    half_width: float
    entry: int  # how often this slot has entered the window: the count of its draws
    is_active: int


#: What a person is doing.
AWAY, WALKING, WAITING, CROSSING = 0, 1, 2, 3


class PersonRecord(Protocol):
    """One person."""

    x: float  # m
    y: float
    velocity_x: float  # m/s, held for the decision
    velocity_y: float
    goal_x: float  # m, where along the road the next crossing is
    side: float  # +1 on the left sidewalk, -1 on the right; while crossing, the side left behind
    due: float  # s, when the next crossing is due
    waited: float  # s at the kerb
    started: float  # s, when the crossing under way began; -1 otherwise
    walking_speed: float  # m/s, a phone's slowing included
    accepted_gap: float  # s
    look_distance: float  # m
    start_delay: float  # s
    setback: float  # m behind the kerb when walking
    half_width: float  # m
    height: float  # m
    trigger_time: float  # s to collision; negative for all but scripted people
    trigger_distance: float  # m
    mode: int
    place: int  # of the next crossing: 0 intersection, 1 mid-block crosswalk, 2 anywhere
    looks: int
    obeys_signal: int
    reacts: int
    holds_phone: int
    profile: int
    entry: int  # count of entries into the window
    trip: int  # count of crossings planned


class TownRecord(Protocol):
    """What holds for one town as a whole."""

    seed: int  # of the episode
    town_seed: int  # of the buildings
    tick: int  # physics steps since the start
    num_cars: int
    num_people: int
    block_length: float  # the rest is drawn per episode, see scenario.schema.Map and Signals
    lane_width: float
    lanes: float
    sidewalk_width: float
    crosswalk_width: float
    intersection_crosswalks: float
    midblock_crosswalks: float
    building_height_min: float
    building_height_max: float
    tree_spacing: float
    signals_enabled: float
    green: float
    yellow: float
    all_red: float
    walk: float
    offset_spread: float


class OutcomeRecord(Protocol):
    """What a decision led to in one town."""

    progress: float  # m along the lane in this decision
    swerve: float  # |lateral acceleration| / its limit, mean over the decision
    lane_offset: float  # m from the nearest lane centre of the right direction
    elapsed: float  # s simulated: less than a decision if an ending cut it short
    ran_red: int
    person: int  # index of the person hit, -1 if none
    car: int  # index of the car hit, -1 if none
    off_road: int


def record_type(record: type) -> np.dtype[np.void]:
    """Lay out the records of a class: 8 bytes for each field, in the order in which they are declared."""
    kinds = {float: np.float64, int: np.int64}
    return np.dtype([(name, kinds[kind]) for name, kind in get_type_hints(record).items()])


EGO = record_type(EgoRecord)
CAR = record_type(CarRecord)
PERSON = record_type(PersonRecord)
TOWN = record_type(TownRecord)
OUTCOME = record_type(OutcomeRecord)


@dataclass(frozen=True)
class TownState:
    """N towns, with room for C cars and K people each."""

    town: Records
    """(N,) of `TOWN`."""
    ego: Records
    """(N,) of `EGO`."""
    cars: Records
    """(N, C) of `CAR`."""
    people: Records
    """(N, K) of `PERSON`; scripted people of `triggers` come first."""

    def __len__(self) -> int:
        return len(self.town)

    def copy(self) -> TownState:
        """Copy: the snapshot."""
        return TownState(*(getattr(self, f.name).copy() for f in fields(self)))

    def select(self, worlds: NDArray[np.integer] | NDArray[np.bool_] | slice) -> TownState:
        """Copy some worlds, in the order given."""
        return TownState(*(getattr(self, f.name)[worlds].copy() for f in fields(self)))

    def restore(
        self,
        snapshot: TownState,
        worlds: NDArray[np.integer] | NDArray[np.bool_] | slice = slice(None),
    ) -> None:
        """Overwrite some worlds by those of a snapshot of the same capacities.

        Raises:
            ValueError: if the snapshot has another number of cars or people.
        """
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(snapshot, f.name)
            if mine.dtype != theirs.dtype or mine.shape[1:] != theirs.shape[1:]:
                raise ValueError(
                    f"snapshot field {f.name!r}: found {theirs.dtype} {theirs.shape[1:]} per world, "
                    f"allowed is {mine.dtype} {mine.shape[1:]}"
                )
            mine[worlds] = theirs

    def plain_arrays(self) -> dict[str, NDArray[np.uint8]]:
        """View the arrays that hold anything as bytes, by name: what a checkpoint stores."""
        arrays: dict[str, Records] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: array.view(np.uint8) for name, array in arrays.items() if array.size}


def empty_state(worlds: int, cars: int, people: int) -> TownState:
    """Make N towns without content; `advance.begin` fills them."""
    return TownState(
        town=np.zeros(worlds, TOWN),
        ego=np.zeros(worlds, EGO),
        cars=np.zeros((worlds, cars), CAR),
        people=np.zeros((worlds, people), PERSON),
    )


def trailing_numbers(records: Records, first: str) -> NDArray[np.float64]:
    """View the float fields of (N,) records from `first` on as columns, (N, F)."""
    offset = records.dtype.fields[first][1] // 8  # type: ignore[index]
    return records.view(np.float64).reshape(len(records), -1)[:, offset:]


def town_numbers(state: TownState) -> NDArray[np.float64]:
    """View what is drawn of the map and the signals as columns, (N, F)."""
    return trailing_numbers(state.town, "block_length")


NUM_TOWN_NUMBERS: int = town_numbers(empty_state(1, 0, 0)).shape[1]
