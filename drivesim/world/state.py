"""The whole state of N towns as plain arrays: a snapshot is a copy of them, nothing hides elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]

_F = np.float64

EGO = np.dtype(
    [
        ("x", _F),  # m, of the centre; the ego's road runs along +x at y = 0
        ("y", _F),  # m, positive to the left
        ("yaw", _F),  # rad, counter-clockwise from +x
        ("speed", _F),  # m/s, negative in reverse
        ("steer", _F),  # rad, of the front wheels
        ("odometer", _F),  # m along the lane since the start
        ("target_acceleration", _F),  # m/s^2, held for the decision
        ("brake", _F),  # 0 to 1, held for the decision
        ("top_speed", _F),  # the rest is drawn per episode, see scenario.schema.Ego
        ("reverse_speed", _F),
        ("acceleration", _F),
        ("braking", _F),
        ("max_steer", _F),
        ("wheelbase", _F),
        ("half_length", _F),
        ("half_width", _F),
        ("max_lateral_acceleration", _F),
    ]
)

CAR = np.dtype(
    [
        ("x", _F),  # m, of the centre
        ("y", _F),
        ("speed", _F),  # m/s
        ("acceleration", _F),  # m/s^2, held for the decision
        ("cos", _F),  # direction of travel: one of (1, 0), (-1, 0), (0, 1), (0, -1)
        ("sin", _F),
        ("desired_speed", _F),  # the rest is drawn on entry, see scenario.schema.Cars
        ("time_headway", _F),
        ("minimum_gap", _F),
        ("max_acceleration", _F),
        ("comfortable_braking", _F),
        ("max_braking", _F),
        ("obeys_signals", _F),
        ("yields_to_people", _F),
        ("half_length", _F),
        ("half_width", _F),
        ("entry", np.int64),  # how often this slot has entered the window: the count of its draws
        ("is_active", np.int64),
    ]
)

#: What a person is doing.
AWAY, WALKING, WAITING, CROSSING = 0, 1, 2, 3

PERSON = np.dtype(
    [
        ("x", _F),  # m
        ("y", _F),
        ("velocity_x", _F),  # m/s, held for the decision
        ("velocity_y", _F),
        ("goal_x", _F),  # m, where along the road the next crossing is
        ("side", _F),  # +1 on the left sidewalk, -1 on the right; while crossing, the side left behind
        ("due", _F),  # s, when the next crossing is due
        ("waited", _F),  # s at the kerb
        ("started", _F),  # s, when the crossing under way began; -1 otherwise
        ("walking_speed", _F),  # m/s, a phone's slowing included
        ("accepted_gap", _F),  # s
        ("look_distance", _F),  # m
        ("start_delay", _F),  # s
        ("setback", _F),  # m behind the kerb when walking
        ("half_width", _F),  # m
        ("height", _F),  # m
        ("interval", _F),  # s between crossings
        ("trigger_time", _F),  # s to collision; negative for all but scripted people
        ("trigger_distance", _F),  # m
        ("mode", np.int64),
        ("place", np.int64),  # of the next crossing: 0 intersection, 1 mid-block crosswalk, 2 anywhere
        ("looks", np.int64),
        ("obeys_signal", np.int64),
        ("reacts", np.int64),
        ("holds_phone", np.int64),
        ("profile", np.int64),
        ("entry", np.int64),  # count of entries into the window
        ("trip", np.int64),  # count of crossings planned
    ]
)

TOWN = np.dtype(
    [
        ("seed", np.int64),  # of the episode
        ("town_seed", np.int64),  # of the buildings
        ("tick", np.int64),  # physics steps since the start
        ("num_cars", np.int64),
        ("num_people", np.int64),
        ("block_length", _F),  # the rest is drawn per episode, see scenario.schema.Map and Signals
        ("lane_width", _F),
        ("lanes", _F),
        ("sidewalk_width", _F),
        ("crosswalk_width", _F),
        ("intersection_crosswalks", _F),
        ("midblock_crosswalks", _F),
        ("building_height_min", _F),
        ("building_height_max", _F),
        ("tree_spacing", _F),
        ("signals_enabled", _F),
        ("green", _F),
        ("yellow", _F),
        ("all_red", _F),
        ("walk", _F),
        ("offset_spread", _F),
    ]
)

OUTCOME = np.dtype(
    [
        ("progress", _F),  # m along the lane in this decision
        ("swerve", _F),  # |lateral acceleration| / its limit, mean over the decision
        ("lane_offset", _F),  # m from the nearest lane centre of the right direction
        ("elapsed", _F),  # s simulated: less than a decision if an ending cut it short
        ("ran_red", np.int64),
        ("person", np.int64),  # index of the person hit, -1 if none
        ("car", np.int64),  # index of the car hit, -1 if none
        ("off_road", np.int64),
    ]
)


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

    def arrays(self) -> dict[str, Records]:
        """Return the arrays by name, not copied: what a checkpoint stores."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


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
