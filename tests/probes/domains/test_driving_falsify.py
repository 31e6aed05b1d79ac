from __future__ import annotations

import numpy as np
import pytest

from drivesim.continuation import Continuation, drive_on, steps_of
from drivesim.pilots import NetworkPilot
from drivesim.world import advance
from drivesim.world.state import AWAY, WAITING, TownState
from probes.agent import ProbeError
from probes.domains import driving_falsify
from probes.domains.driving import load_agent
from probes.domains.driving_falsify import (
    METHODS,
    SPACE,
    Crossing,
    Recorder,
    Starts,
    among,
    as_run,
    distract,
    failure_share,
    next_ahead,
    quiet,
    spaced,
    with_next,
)
from probes.falsify import POPULATION, Floats, Meter, Run
from tests import towns
from tests.towns import scenario

SEED = 500_000


@pytest.fixture(scope="module")
def crossing() -> Crossing:
    return Crossing(load_agent("reasonable-seg4"), scenario("reasonable"))


def test_a_point_is_placed_in_the_town_of_its_seed(crossing: Crossing) -> None:
    starts = crossing.place(SEED, np.array([[0.0] * len(SPACE), [1.0] * len(SPACE)]))
    town = starts.snapshot.towns
    ego, person = town.ego, town.people[:, 0]
    assert town.town["seed"].tolist() == [SEED, SEED]
    assert (person["x"] - ego["x"]).tolist() == pytest.approx(SPACE["position"])
    assert person["y"].tolist() == pytest.approx([-3.85, 3.85])
    assert person["side"].tolist() == [-1.0, 1.0]
    assert person["mode"].tolist() == [WAITING, WAITING]
    assert person["trigger_time"].tolist() == pytest.approx(SPACE["time_to_collision"])
    assert person["trigger_distance"].tolist() == pytest.approx(SPACE["minimum_distance"])
    assert person["walking_speed"].tolist() == pytest.approx(SPACE["walking_speed"])
    assert ego["speed"].tolist() == [0.0, 11.2]
    assert ego["y"].tolist() == pytest.approx([-2.25, -1.25])
    assert town.town["tick"].tolist() == [0, 28 * 60]
    assert len(set(ego["x"])) == 1
    assert ego["x"][0] != crossing.place(SEED + 1, np.zeros((1, len(SPACE)))).snapshot.towns.ego["x"][0]


def test_who_waits_where_he_was_put_steps_off_by_his_trigger(crossing: Crossing) -> None:
    point = np.full((1, len(SPACE)), 0.5)
    start = crossing.place(SEED, point).snapshot.towns
    start.ego["speed"], start.people["trigger_distance"] = 0.0, 500.0
    stepped = start.copy()
    advance.step(stepped, np.zeros((1, 3)), crossing._tables)
    assert stepped.people["mode"][0, 0] != WAITING
    start.people["trigger_distance"] = 0.0
    advance.step(start, np.zeros((1, 3)), crossing._tables)
    assert start.people["mode"][0, 0] == WAITING


def test_an_agent_that_sees_something_else_is_refused() -> None:
    with pytest.raises(ProbeError, match="choose an agent that was made for it"):
        Crossing(load_agent("mixed-full8"), scenario("reasonable"))


def test_nobody_looks_in_a_town_that_is_otherwise_the_recorded_one() -> None:
    before, after = quiet(scenario("crossing_trigger")), among(scenario("reasonable"), 3)
    assert (before.cars.count, before.triggers) == (4, ())
    assert (after.cars.count, after.triggers, after.pedestrians.count) == (4, (), 3)
    assert [p.look_probability for p in after.pedestrians.profiles.values()] == [0.0]
    assert (after.map, after.signals, after.sim) == (before.map, before.signals, before.sim)
    assert len(among(scenario("reasonable"), 0, triggers=1).triggers) == 1


def test_the_next_person_ahead_is_left_alone() -> None:
    # The front is 2.25 m ahead of the ego's middle; one is beside, one is not there any more, one never was.
    places = [2.0, 30.0, 20.0, 10.0, 5.0]
    people = towns.people(*({"x": x, "y": float(n)} for n, x in enumerate(places)))
    people["mode"][3] = AWAY
    town, ego = np.array([towns.town(num_people=4)]), np.array([towns.ego()])
    left = with_next(TownState(town, ego, towns.cars({})[None], people[None]))
    assert left.people["y"].tolist() == [[2.0]]
    assert left.town["num_people"].tolist() == [1]
    assert town["num_people"].tolist() == [4]


def test_who_stands_in_the_egos_way_comes_before_who_is_nearer_beside_it() -> None:
    # The ego, at -1.75 m, is 1.8 m wide and a person 0.5 m; 0.5 m beside it counts as its way.
    places = [(10.0, 3.0), (30.0, -1.6), (20.0, 0.0), (25.0, -3.3)]
    people = towns.people(*({"x": x, "y": y} for x, y in places))
    town, ego = np.array([towns.town(num_people=4)]), np.array([towns.ego()])
    found = TownState(town, ego, towns.cars({})[None], people[None])
    assert next_ahead(found)[0].argsort().tolist() == [3, 1, 0, 2]
    assert with_next(found).people["x"].tolist() == [[25.0]]


def test_who_is_distracted_looks_no_more_and_is_slower_unless_he_was_before() -> None:
    town = towns.begin(towns.tables("reasonable"), [SEED])
    town.people["holds_phone"][0, 1] = 1
    before = town.people["walking_speed"].copy()
    distract(town)
    ratio = before / town.people["walking_speed"]
    assert ratio[0, :3] == pytest.approx([1.18, 1.0, 1.18])
    for name, value in {"looks": 0, "obeys_signal": 0, "reacts": 0, "holds_phone": 1}.items():
        assert (town.people[name] == value).all()


def drive(ending: str = "time", time_s: float = 12.0, **told: float | None) -> Continuation:
    return Continuation(ending, 80.0, time_s, 5.0, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(("time_s", "steps"), [(12.0, 120), (1.2, 12), (1.05, 11), (0.1 / 6, 1)])
def test_a_decision_that_an_ending_cut_short_counts(time_s: float, steps: int) -> None:
    assert steps_of(drive(time_s=time_s), 10) == steps


def test_a_run_costs_the_least_time_to_collision_and_fails_by_an_avoidable_hit_alone() -> None:
    assert as_run(drive(time_to_collision_s=1.5), 10) == Run(120, 1.5, False)
    assert as_run(drive(time_to_collision_s=60.0), 10).cost == 10.0
    assert as_run(drive(time_to_collision_s=None), 10).cost == 10.0
    assert as_run(drive("person", 2.0, is_avoidable=True), 10).is_failure
    assert not as_run(drive("person", 2.0, is_avoidable=False), 10).is_failure
    assert not as_run(drive("car", 2.0), 10).is_failure


def test_the_lowest_are_chosen_apart_from_each_other() -> None:
    scores = np.array([[5.0, 9.0], [1.0, 8.0], [2.0, np.inf], [3.0, 4.0]])
    assert spaced(scores, 3, apart=2) == [(1, 0), (3, 0), (3, 1)]
    assert spaced(scores, 9, apart=1) == [(1, 0), (2, 0), (3, 0), (3, 1), (0, 0), (1, 1), (0, 1)]


def test_every_moment_is_recorded_as_it_was(crossing: Crossing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving_falsify, "RECORD_S", 1.5)
    recorder = Recorder(load_agent("reasonable-seg4"))
    monkeypatch.setattr(driving_falsify, "Recorder", lambda _: recorder)
    starts, steps = crossing.record(SEED, lambda values, _: values, 0)
    assert steps == 15 * POPULATION
    values = np.stack(recorder.values)
    assert values.shape == (3, POPULATION)
    town, chosen = starts.snapshot.towns, spaced(values, POPULATION, 4)
    assert town.town["seed"].tolist() == [recorder.moments[t].town["seed"][n] for t, n in chosen]
    assert town.town["tick"].tolist() == [t * 30 for t, _ in chosen]
    assert town.people.shape == (POPULATION, 1)
    assert (town.people["looks"] == 0).all()


def test_recordings_differ_from_turn_to_turn_and_from_seed_to_seed(
    crossing: Crossing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving_falsify, "RECORD_S", 0.1)
    seeds = [
        crossing.record(seed, lambda values, _: values, turn)[0].snapshot.towns.town["seed"]
        for seed, turn in ((SEED, 0), (SEED, 1), (SEED + 1, 0))
    ]
    assert len(set(np.concatenate(seeds))) == 3 * POPULATION


def test_a_recorder_drives_as_the_agent_does(crossing: Crossing) -> None:
    agent = load_agent("reasonable-seg4")
    start = crossing.place(SEED, np.random.default_rng(0).random((4, len(SPACE))))
    ends = [
        drive_on(start.scenario, pilot, start.snapshot, 1.0)
        for pilot in (Recorder(agent), NetworkPilot(agent.network))
    ]
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_proposes_starts_that_can_be_played(
    name: str, crossing: Crossing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving_falsify, "RECORD_S", 0.3)
    monkeypatch.setattr(driving_falsify, "RUN_S", 0.2)
    meter = Meter(1000)
    proposals = METHODS[name](crossing, SEED, meter)
    runs = crossing.play(next(proposals))
    assert [run.steps for run in runs] == [2] * POPULATION
    assert meter.spent == (3 * POPULATION if name in ("retrieval", "recorded") else 0)
    assert isinstance(proposals.send(runs), Starts)


def test_the_share_of_failures_is_over_all_towns(crossing: Crossing, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[int] = []

    def place(seed: int, points: Floats) -> Floats:
        placed.append(seed)
        return points

    monkeypatch.setattr(crossing, "place", place)
    monkeypatch.setattr(crossing, "play", lambda points: [Run(1, 1.0, n == 0) for n in range(len(points))])
    done: list[int] = []
    found = failure_share(crossing, [SEED, SEED + 1], 4, done.append)
    assert (found.value, found.n) == (2 / 8, 8)
    assert (placed, done) == ([SEED, SEED + 1], [1, 2])
