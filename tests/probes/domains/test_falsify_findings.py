from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivesim.scenario.loader import load
from probes.artifacts import artifact
from probes.domains.driving import load_agent
from probes.domains.driving_falsify import CARS, Crossing
from probes.domains.driving_moments import Moment, moment_of_sketch
from probes.domains.falsify_findings import by_findings, findings_methods, realised_moments, reduced
from probes.falsify import Meter, OutOfStepsError
from tests.probes.domains.sketches import CAR, PERSON, sketch, sketcher


def moment(x: float = 140.0, ahead: float = 20.0) -> Moment:
    bodies = [
        (PERSON, [1.0, 3.0, -5.0, 0.0]),  # beside the ego
        (PERSON, [40.0, 2.0, -5.0, 0.0]),
        (PERSON, [ahead, -1.0, -5.0, 1.2]),
        *((CAR, [15.0 + 10 * k, 3.5, -13.0, 0.0]) for k in range(CARS + 2)),
    ]
    return moment_of_sketch(sketcher(), sketch(x=x, speed=5.0, bodies=bodies), "m")


def test_the_next_person_ahead_and_the_nearest_cars_are_left() -> None:
    left = reduced(moment()).towns
    assert left.people["x"].tolist() == [[160.0]]
    assert left.cars["x"].tolist() == [[155.0 + 10 * k for k in range(CARS)]]
    assert (left.town["num_cars"][0], left.town["num_people"][0]) == (CARS, 1)
    assert moment().towns.people.shape == (1, 3)


def test_who_is_behind_the_bumper_is_nobody_ahead() -> None:
    alone = moment_of_sketch(sketcher(), sketch(bodies=[(PERSON, [1.0, 3.0, -5.0, 0.0])]), "m")
    assert reduced(alone).towns.people.shape == (1, 0)


def test_findings_are_tried_first_as_they_are_in_an_order_of_the_seed() -> None:
    base = load("reasonable")
    crossing = Crossing(load_agent("reasonable-seg4"), base)
    moments = [reduced(moment(140.0 + 10 * k)) for k in range(5)]
    orders = []
    for seed in (0, 0, 1):
        starts = next(by_findings(moments, base, 30, crossing, seed, Meter(100)))
        towns = starts.snapshot.towns
        assert towns.people.shape == (5, 1)
        assert not towns.people["looks"].any()
        assert (towns.people["x"][:, 0] - towns.ego["x"]).tolist() == pytest.approx([20.0] * 5)
        orders.append(towns.ego["x"].tolist())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == [140.0 + 10 * k for k in range(5)]


def test_then_they_are_tried_varied_and_no_two_turns_alike() -> None:
    base = load("reasonable")
    crossing = Crossing(load_agent("reasonable-seg4"), base)
    moments = [reduced(moment(140.0 + 10 * k)) for k in range(5)]
    proposals = by_findings(moments, base, 0, crossing, 0, Meter(100))
    ahead = []
    for starts in (next(proposals), proposals.send([]), proposals.send([])):
        towns = starts.snapshot.towns
        assert sorted(towns.ego["x"].tolist()) == [140.0 + 10 * k for k in range(5)]
        assert (towns.ego["speed"] <= towns.ego["top_speed"]).all()
        ahead.append(towns.people["x"][:, 0] - towns.ego["x"])
    assert np.ptp(ahead[0]) < 1e-9
    for varied in ahead[1:]:
        assert 0.1 < np.abs(varied - 20.0).max() < 10.0
    assert ahead[1].tolist() != ahead[2].tolist()


def test_without_findings_nothing_is_proposed() -> None:
    base = load("reasonable")
    crossing = Crossing(load_agent("reasonable-seg4"), base)
    assert list(by_findings([], base, 0, crossing, 0, Meter(100))) == []


def test_what_was_recorded_is_counted_unless_it_is_at_hand() -> None:
    base = load("reasonable")
    crossing = Crossing(load_agent("reasonable-seg4"), base)
    methods = findings_methods([reduced(moment())], base, 60)
    for name, spent in (("synthesis", 60), ("synthesis-at-hand", 0)):
        meter = Meter(100)
        next(methods[name](crossing, 0, meter))
        assert meter.spent == spent
    with pytest.raises(OutOfStepsError):
        next(methods["synthesis"](crossing, 0, Meter(50)))


def test_only_realised_findings_with_somebody_ahead_count(tmp_path: Path) -> None:
    body = {"kind": "person", "heading": None, "x": 20.0, "y": -1.0, "velocity_x": -5.0, "velocity_y": 1.2}
    row = {
        "target": "blind", "finding": 0, "is_realised": True, "episode": 0, "tick": 0,
        "ego": {"x": 140.0, "y": -1.75, "yaw": 0.0, "speed": 5.0}, "bodies": [body],
    }  # fmt: skip
    rows = [row, {**row, "finding": 1, "is_realised": False}, {**row, "finding": 2, "bodies": []}]
    with artifact.writing(tmp_path / "r", "realized", config={}, seed=0, parents={}) as scratch:
        artifact.write_json(scratch / "result.json", {"states": rows})

    class States:
        layout = sketcher().layout

    found = realised_moments(tmp_path / "r", States(), load("reasonable"))  # type: ignore[arg-type]
    assert [one.label for one in found] == ["blind 0"]
    assert np.allclose(found[0].towns.people["velocity_y"], 1.2)
