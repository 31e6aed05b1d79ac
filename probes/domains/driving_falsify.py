"""Falsification in the town: one person crosses, and from where does the agent run into him?

All methods search the same kind of scenario: some cars, and one person who does not look, react or obey
signals. Who searches by numbers lets him step off by a trigger, as `SPACE` says. Who searches by moments goes
on from what was recorded among attentive people: of them the next one ahead stays, and changes his mind. A
run fails if it ends in a hit that could have been avoided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from drivesim.continuation import Continuation, drive_on, steps_of
from drivesim.envs.episodes import HELD_OUT
from drivesim.envs.snapshot import Snapshot
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.pilots import NetworkPilot
from drivesim.scenario.loader import load
from drivesim.scenario.people import Trigger
from drivesim.scenario.schema import Scenario
from drivesim.world.advance import begun
from drivesim.world.parameters import compile_tables
from drivesim.world.pedestrians import KERB_STANCE, PHONE_SLOWING
from drivesim.world.state import AWAY, TownState
from drivesim.world.town import half_road
from probes import statistics
from probes.data.collect import check_fit
from probes.domains.driving import DrivingAgent, DrivingSimulation
from probes.domains.driving_replay import HIT
from probes.domains.viewpoint import MARGIN
from probes.falsify import POINT_METHODS, POPULATION, Floats, Meter, Proposals, Run, placed, recorded
from probes.statistics import Estimate

SPACE: Mapping[str, tuple[float, float]] = {
    "position": (50.0, 110.0),  # m ahead of the ego's start, where the person waits
    "side": (-1.0, 1.0),  # from the left above 0, else from the right
    "time_to_collision": (4.0, 20.0),  # s, as of `drivesim.scenario.people.Trigger`
    "minimum_distance": (15.0, 60.0),  # m, likewise
    "walking_speed": (1.35, 2.5),  # m/s
    "start_speed": (0.0, 11.2),  # m/s, of the ego
    "lateral_offset": (-0.5, 0.5),  # m left of the lane's centre, of the ego
    "phase": (0.0, 28.0),  # s by which the signals are ahead; a cycle of the default signals
}
"""Least and greatest of each number.

Chosen so that most crossings are harmless: early, far ahead and brisk. `reasonable-seg4` ran into 25 people
in 5,120 random runs, 64 in each of 80 towns: 0.49% [0.33, 0.72]. Of 512 runs with 20 to 70 m, 1 to 6 s, 0 to
15 m and 0.5 to 2.5 m/s, 23% failed.
"""
RUN_S = 12.0
"""s of a run."""
CARS = 4
"""In the window around the ego."""
LONGEST_S = 10.0
"""s to a collision that a run counts as, if nobody came into the ego's way."""
RECORD_S = 12.0
"""s of recording, in POPULATION towns side by side; about what playing its moments takes."""
_EVERY = 5
"""Decisions between recorded moments."""
_APART_S = 2.0
"""s between chosen moments of one drive."""
FAR = 1e6
"""m; farther than anybody is ahead."""
_NEXT_TOWNS = 1000
"""Seeds from one recorded town to the next, of one search."""

#: Tells how promising moments are, (T, N) of their values and of something drawn uniformly; low comes first.
Ranking = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, eq=False)
class Starts:
    """N starts, played side by side."""

    scenario: Scenario
    snapshot: Snapshot
    """N towns of it."""


class Crossing:
    """One person crosses before an agent.

    Args:
        agent: who drives.
        base: whose town it is.

    Raises:
        ProbeError: the agent does not fit the scenario.
    """

    def __init__(self, agent: DrivingAgent, base: Scenario) -> None:
        check_sight(agent, base)
        self._agent, self._base = agent, base
        self.scenario = among(base, 0, triggers=1)
        """Of the starts that are placed by numbers."""
        self._tables = compile_tables(self.scenario)

    def place(self, seed: int, points: Floats) -> Starts:
        """Place starts (P, D), given in the unit cube, in the town of a seed."""
        low, high = np.array(list(SPACE.values())).T
        numbers = dict(zip(SPACE, (low + points * (high - low)).T, strict=True))
        towns = begun(self._tables, np.full(len(points), seed))
        half = half_road(towns.town[0])
        ego, person = towns.ego, towns.people[:, 0]
        ego["speed"] = numbers["start_speed"]
        ego["y"] = -half + 0.5 * towns.town["lane_width"] + numbers["lateral_offset"]
        towns.town["tick"] = np.rint(numbers["phase"] * self._base.sim.physics_hz)
        person["x"] = ego["x"] + numbers["position"]
        person["side"] = np.where(numbers["side"] > 0, 1.0, -1.0)
        person["y"] = person["side"] * (half + KERB_STANCE)
        person["trigger_time"] = numbers["time_to_collision"]
        person["trigger_distance"] = numbers["minimum_distance"]
        person["walking_speed"] = numbers["walking_speed"]
        return Starts(self.scenario, Snapshot(towns))

    def play(self, starts: Starts) -> list[Run]:
        """Let the agent drive on from each start."""
        hz = starts.scenario.sim.decision_hz
        pilot = NetworkPilot(self._agent.network)
        return [as_run(one, hz) for one in drive_on(starts.scenario, pilot, starts.snapshot, RUN_S)]

    def record(self, seed: int, rank: Ranking, turn: int) -> tuple[Starts, int]:
        """Record the agent among attentive people, and go on from the most promising moments.

        Returns:
            Starts where one is left who looks no more, and the steps that were recorded.
        """
        where = quiet(self._base)
        first = seed + _NEXT_TOWNS * (1 + turn * POPULATION)
        seeds = first + _NEXT_TOWNS * np.arange(POPULATION)
        seeds = seeds % HELD_OUT if seed < HELD_OUT else seeds
        recorder = Recorder(self._agent)
        towns = begun(compile_tables(where), seeds)
        drives = drive_on(where, recorder, Snapshot(towns), RECORD_S)
        hz = where.sim.decision_hz
        values = np.stack(recorder.values)
        times = np.arange(len(values)) * _EVERY / hz
        is_over = times[:, None] >= np.array([drive.time_s for drive in drives])
        scores = rank(values, np.random.default_rng([seed, turn]).random(values.shape))
        chosen = spaced(np.where(is_over, np.inf, scores), POPULATION, round(_APART_S * hz / _EVERY))
        towns = joined([recorder.moments[t].select(np.array([n])) for t, n in chosen])
        return self.go_on(towns), sum(steps_of(drive, hz) for drive in drives)

    def go_on(self, towns: TownState) -> Starts:
        """Start where the next person ahead of the ego is the only one, and looks no more."""
        left = with_next(towns)
        distract(left)
        return Starts(among(self._base, 1), Snapshot(left))


def check_sight(agent: DrivingAgent, scenario: Scenario) -> None:
    """Require that an agent sees and acts as a scenario has it.

    Raises:
        ProbeError: it does not; the message says how to choose another.
    """
    simulation = DrivingSimulation(scenario, 1)
    try:
        check_fit(agent, simulation)
    finally:
        simulation.close()


def quiet(base: Scenario) -> Scenario:
    """Return a scenario with `CARS` cars and nothing scripted."""
    cars = base.cars.model_copy(update={"count": float(CARS)})
    return base.model_copy(update={"cars": cars, "triggers": ()})


def among(base: Scenario, people: int, triggers: int = 0) -> Scenario:
    """Return a quiet scenario with so many people, all of whom look at nothing but their phones."""
    absorbed = load("distracted").pedestrians.profiles["absorbed"]
    crowd = {"count": float(people), "profiles": {"absorbed": absorbed}, "mix": {"absorbed": 1.0}}
    update = {"pedestrians": base.pedestrians.model_copy(update=crowd), "triggers": (Trigger(),) * triggers}
    return quiet(base).model_copy(update=update)


def next_ahead(towns: TownState) -> Floats:
    """Rank people (N, K), the least first, infinite whoever is not ahead of the ego's front.

    Whoever stands in the strip that the ego would sweep comes before who is beside it, the nearest first.
    """
    people, ego = towns.people, towns.ego[:, None]
    ahead = people["x"] - ego["x"] - ego["half_length"]
    is_there = np.arange(people.shape[1]) < towns.town["num_people"][:, None]
    is_there &= (people["mode"] != AWAY) & (ahead > 0)
    aside = np.abs(people["y"] - ego["y"]) - ego["half_width"] - people["half_width"]
    return np.where(is_there, ahead + np.where(aside < MARGIN, 0.0, FAR), np.inf)


def with_next(towns: TownState) -> TownState:
    """Return the towns with one person each: the next one ahead of the ego."""
    people, nearest = towns.people, next_ahead(towns).argmin(1)
    left = TownState(
        towns.town.copy(), towns.ego, towns.cars, people[np.arange(len(towns)), nearest][:, None]
    )
    left.town["num_people"] = 1
    return left


def distract(towns: TownState) -> None:
    """Let everybody look at nothing but his phone from now on; who was not, is slower by it."""
    people = towns.people
    people["walking_speed"] /= np.where(people["holds_phone"] == 1, 1.0, PHONE_SLOWING)
    people["holds_phone"] = 1
    for name in ("looks", "obeys_signal", "reacts", "profile"):
        people[name] = 0


def as_run(drive: Continuation, decision_hz: int) -> Run:
    """Tell what a drive cost and came to; its cost is the least time to collision, s, up to `LONGEST_S`."""
    time = LONGEST_S if drive.time_to_collision_s is None else min(drive.time_to_collision_s, LONGEST_S)
    is_failure = drive.ending == HIT and bool(drive.is_avoidable)
    return Run(steps_of(drive, decision_hz), time, is_failure)


@dataclass(eq=False)
class Recorder:
    """Drives as an agent does and keeps every fifth moment, and what the agent expects there."""

    agent: DrivingAgent
    needs_images: bool = True
    moments: list[TownState] = field(default_factory=list)
    """(T,) of N towns."""
    values: list[Floats] = field(default_factory=list)
    """(T,) of (N,)."""
    _decisions: int = 0

    def __call__(self, env: DrivingVectorEnv, observations: NDArray[np.uint8]) -> Floats:
        """Return the agent's controls (N, 3)."""
        output = self.agent.judge(observations)
        if self._decisions % _EVERY == 0:
            self.moments.append(env.state.copy())
            self.values.append(output.value.double().cpu().numpy())
        self._decisions += 1
        return env.controls(output.scores.argmax(1).cpu().numpy())


def spaced(scores: Floats, count: int, apart: int) -> list[tuple[int, int]]:
    """Choose the `count` lowest of scores (T, N) that are finite, at least `apart` rows apart in a column."""
    left, chosen = scores.copy(), list[tuple[int, int]]()
    while len(chosen) < count and np.isfinite(left.min()):
        row, column = (int(k) for k in np.unravel_index(left.argmin(), left.shape))
        chosen.append((row, column))
        left[max(row - apart + 1, 0) : row + apart, column] = np.inf
    return chosen


def joined(towns: Sequence[TownState]) -> TownState:
    """Put towns of the same capacities side by side."""
    return TownState(*(np.concatenate([getattr(one, f.name) for one in towns]) for f in fields(TownState)))


def failure_share(
    crossing: Crossing, seeds: Sequence[int], runs: int, on_seed: Callable[[int], None] | None = None
) -> Estimate:
    """Estimate the share of random starts of `SPACE` that fail.

    Args:
        crossing: where.
        seeds: of the towns.
        runs: in each town.
        on_seed: told in how many towns it has been driven.
    """
    failures = 0
    for done, seed in enumerate(seeds, 1):
        points = np.random.default_rng([seed, 1]).random((runs, len(SPACE)))
        failures += sum(run.is_failure for run in crossing.play(crossing.place(seed, points)))
        if on_seed is not None:
            on_seed(done)
    return statistics.share(failures, runs * len(seeds))


Method = Callable[[Crossing, int, Meter], Proposals[Starts]]
"""Given the seed of all that is random, and where to count steps that are not of runs."""


def by_numbers(name: str, crossing: Crossing, seed: int, meter: Meter) -> Proposals[Starts]:
    """Search the numbers of `SPACE` by a method of `POINT_METHODS`."""
    del meter  # all its steps are of runs
    return placed(POINT_METHODS[name](len(SPACE), seed), partial(crossing.place, seed))


def by_recording(rank: Ranking, crossing: Crossing, seed: int, meter: Meter) -> Proposals[Starts]:
    """Go on from recorded moments."""
    return recorded(partial(crossing.record, seed, rank), meter)


METHODS: Mapping[str, Method] = {
    **{name: partial(by_numbers, name) for name in POINT_METHODS},
    "retrieval": partial(by_recording, lambda values, _: values),
    "recorded": partial(by_recording, lambda _, drawn: drawn),
}
"""`retrieval` goes on from the recorded moments of which the agent expects least: T- of an actor-critic;
`recorded` from any, which tells what that choice is worth."""
