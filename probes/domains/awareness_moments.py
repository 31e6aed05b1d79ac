"""Moments on a clear road to put somebody into: the same for all agents, from a scripted driver's drives.

A moment is cleared of whoever else could ask for a brake: people who wait or cross, and cars in the way. Then
a pair, with somebody and without, differs in this one alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import ArrayLike, NDArray

from drivesim.drivers import expert
from drivesim.envs.observation import frames_seen
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.pilots import ScriptedPilot
from drivesim.scenario.conflicts import stopping_distance
from drivesim.scenario.quantity import support_of
from drivesim.scenario.schema import Scenario
from drivesim.world.state import AWAY, CROSSING, WALKING, TownState
from drivesim.world.town import half_road, lane_offset, stop_line
from probes.agent import ProbeError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DRAW_S = 30.0
"""s of each episode among which its moment is drawn."""
MOVING = 3.0
"""m/s above which somebody ahead is a matter of braking."""
CLEAR = 40.0
"""m ahead of the bumper without a stop line: the farthest that anybody is put."""
OFF_CENTRE, OFF_COURSE = 0.5, 0.03
"""m from the lane's centre and rad from its direction, at most."""
WALK = 1.34
"""m/s of whoever crosses; Weidmann (1993)."""
_BESIDE = 2.5
"""m from the ego's centre line within which a car is in its way; cars of the other direction keep farther."""
_BEHIND = 5.0
"""m behind the ego's centre from which on nobody is seen."""
_NEVER = 1e9
"""s."""


@dataclass(frozen=True)
class Moments:
    """M moments, each of another episode."""

    past: tuple[TownState, ...]
    """What the frames kept show, oldest first: L states of M towns."""
    seeds: NDArray[np.int64]
    """(M,), of the episodes."""
    slot: NDArray[np.int64]
    """(M,) of a person out of sight, whose place somebody may take."""
    step_s: float
    """s between two states of the past."""
    body: tuple[float, float]
    """m, half the width and the height of who is put there: the middle of what the scenario draws."""

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def now(self) -> TownState:
        """The newest state."""
        return self.past[-1]

    @property
    def speed(self) -> Floats:
        """(M,) of the egos, m/s."""
        return self.now.ego["speed"].astype(np.float64)

    @property
    def stopping(self) -> Floats:
        """(M,) m from the bumper to a person's path within which the ego cannot stop any more."""
        names = ("speed", "top_speed", "acceleration", "braking")
        return np.array([stopping_distance(*(float(ego[name]) for name in names)) for ego in self.now.ego])


def collect_moments(
    scenario: Scenario, seeds: Sequence[int], on_decision: Callable[[], None] | None = None
) -> Moments:
    """Draw one moment of each episode in which there is any.

    The driver is the scripted one that yields to people: it has learned from nobody, so that no agent is
    asked about moments of its own choice, and all are asked about the same.

    Args:
        scenario: where.
        seeds: of the episodes.
        on_decision: told after each decision of all episodes, for progress.

    Raises:
        ProbeError: no episode has such a moment.
    """
    env = DrivingVectorEnv(len(seeds), scenario, "none", autoreset_mode=AutoresetMode.DISABLED)
    try:
        found, towns = _drawn(env, seeds, on_decision)
    finally:
        env.close()
    worlds = np.flatnonzero(found)
    if not len(worlds):
        raise ProbeError(
            f"scenario {scenario.name!r}: found no moment in {len(seeds)} episodes; allowed are scenarios in"
            f" which the ego drives at {MOVING:g} m/s or more, {CLEAR:g} m before a stop line, and has a"
            " person behind it whose place somebody can take: try more episodes or more people"
        )
    people = scenario.pedestrians
    body = (sum(support_of(people, "body_width")) / 4, sum(support_of(people, "body_height")) / 2)
    past = tuple(town.select(worlds) for town in towns)
    slot = _cleared(past)
    return Moments(past, np.asarray(seeds, np.int64)[worlds], slot, 1.0 / scenario.sim.decision_hz, body)


def _drawn(
    env: DrivingVectorEnv, seeds: Sequence[int], on_decision: Callable[[], None] | None
) -> tuple[NDArray[np.int64], list[TownState]]:
    """Drive; return how many moments each town had, and the past of the one that was drawn."""
    scenario, driver = env.scenario, ScriptedPilot(expert)
    length = frames_seen(scenario)
    observations, _ = env.reset(seed=list(seeds))
    recent: deque[TownState] = deque([env.state.copy()], maxlen=length)
    kept = [env.state.copy() for _ in range(length)]
    draws = [np.random.default_rng(seed) for seed in seeds]
    active, found = np.ones(len(seeds), np.bool_), np.zeros(len(seeds), np.int64)
    for _ in range(round(DRAW_S * scenario.sim.decision_hz)):
        if len(recent) == length:
            suited = np.flatnonzero(active & is_suited(env.state))
            found[suited] += 1
            # Each of k moments stays with probability 1 / k.
            chosen = np.array([n for n in suited if draws[n].random() * found[n] < 1], np.int64)
            for whole, part in zip(kept, recent, strict=True):
                whole.restore(part.select(chosen), chosen)
        _, _, terminated, truncated, _ = env.step_controls(driver(env, observations), active)
        active &= ~(terminated | truncated)
        recent.append(env.state.copy())
        if on_decision is not None:
            on_decision()
    return found, kept


def is_suited(towns: TownState) -> Flags:
    """Tell in which towns (N,) the ego drives straight on, far from a stop line, somebody behind it."""
    ego = towns.ego
    to_line, off_centre = np.empty(len(towns)), np.empty(len(towns))
    for n, town in enumerate(towns.town):
        front = ego["x"][n] + ego["half_length"][n] + stop_line(town)
        to_line[n] = -front % town["block_length"]
        off_centre[n] = lane_offset(town, ego["y"][n])
    is_straight = (np.abs(off_centre) < OFF_CENTRE) & (np.abs(ego["yaw"]) < OFF_COURSE)
    suited: Flags = is_straight & (ego["speed"] > MOVING) & (to_line > CLEAR) & _is_behind(towns).any(1)
    return suited


def _is_behind(towns: TownState) -> Flags:
    """Tell who (N, K) is about, behind the ego."""
    people = towns.people
    is_about = np.arange(people.shape[1]) < towns.town["num_people"][:, None]
    behind: Flags = is_about & (people["mode"] != AWAY) & (people["x"] < towns.ego["x"][:, None] - _BEHIND)
    return behind


def _cleared(past: tuple[TownState, ...]) -> NDArray[np.int64]:
    """Clear the way in all states of the past; return whose places (M,) are free."""
    now = past[-1]
    x, y = now.ego["x"][:, None], now.ego["y"][:, None]
    people, cars = now.people, now.cars
    slot: NDArray[np.int64] = np.where(_is_behind(now), people["x"], np.inf).argmin(1)
    leaves = (people["mode"] != WALKING) & (people["x"] > x - _BEHIND)
    np.put_along_axis(leaves, slot[:, None], True, axis=1)
    stops = (cars["x"] > x - _BEHIND) & ((np.abs(cars["y"] - y) < _BESIDE) | (np.abs(cars["sin"]) > 0.5))
    for towns in past:
        towns.people["mode"][leaves] = AWAY
        towns.people["velocity_x"][leaves] = towns.people["velocity_y"][leaves] = 0.0
        towns.people["due"] = _NEVER  # nobody else steps off while the agent drives on
        towns.cars["is_active"][stops] = 0
    return slot


def with_person(moments: Moments, ahead: ArrayLike, left: ArrayLike, heading: ArrayLike) -> list[TownState]:
    """Put a person into every state of the past, who crosses at an even pace and never looks up.

    Args:
        moments: M of them; they stay as they are.
        ahead: m along the road from the bumper to the person's centre at the moment, () or (M,).
        left: m of the ego's centre, likewise.
        heading: 1 who walks to the left, -1 to the right.
    """
    worlds, made = np.arange(len(moments)), []
    ego = moments.now.ego
    x = ego["x"] + ego["half_length"] + np.asarray(ahead, np.float64)
    y = ego["y"] + np.asarray(left, np.float64)
    side = np.broadcast_to(-np.asarray(heading, np.float64), len(moments))
    for k, towns in enumerate(moments.past):
        copy = towns.copy()
        person = copy.people[worlds, moments.slot]
        since = (k + 1 - len(moments.past)) * moments.step_s
        person["x"], person["y"] = x, y - side * WALK * since
        person["velocity_x"], person["velocity_y"] = 0.0, -side * WALK
        person["side"], person["walking_speed"], person["mode"] = side, WALK, CROSSING
        person["half_width"], person["height"] = moments.body
        person["looks"] = person["reacts"] = person["obeys_signal"] = person["holds_phone"] = 0
        person["trigger_time"], person["goal_x"] = -1.0, x
        copy.people[worlds, moments.slot] = person
        made.append(copy)
    return made


def with_car(moments: Moments, ahead: ArrayLike) -> list[TownState]:
    """Put a car that stands, of the ego's size, into the ego's lane in every state of the past.

    Args:
        moments: M of them; they stay as they are.
        ahead: m from bumper to bumper, () or (M,).
    """
    ego, made = moments.now.ego, []
    gap = 2 * ego["half_length"] + np.asarray(ahead, np.float64)
    for towns in moments.past:
        cars = np.zeros((len(moments), towns.cars.shape[1] + 1), towns.cars.dtype)
        cars[:, :-1] = towns.cars
        car = cars[:, -1]
        car["x"], car["y"], car["cos"] = ego["x"] + gap, ego["y"], 1.0
        car["half_length"], car["half_width"], car["is_active"] = ego["half_length"], ego["half_width"], 1
        town = towns.town.copy()
        town["num_cars"] = cars.shape[1]
        made.append(TownState(town, towns.ego.copy(), cars, towns.people.copy()))
    return made


def on_course(moments: Moments, spare_s: float, heading: int) -> tuple[Floats, Floats]:
    """Return where (M,) a person is, m ahead and left, whom the ego hits in its middle if it drives on.

    Args:
        moments: M of them.
        spare_s: s at the present speed until the ego can no longer stop.
        heading: 1 for who comes from the right and walks to the left, -1 from the left.
    """
    ahead = moments.stopping + spare_s * moments.speed
    return ahead, -heading * WALK * ahead / moments.speed


def plan_of(moments: Moments) -> tuple[float, float, tuple[float, float]]:
    """Return the ego's length and width, and how far to its left the right and the left kerb are, on average.

    All in m.
    """
    now = moments.now
    half, y = float(np.mean([half_road(town) for town in now.town])), float(now.ego["y"].mean())
    length, width = (2 * float(now.ego[name].mean()) for name in ("half_length", "half_width"))
    return length, width, (-half - y, half - y)
