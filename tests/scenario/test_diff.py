"""Differences of two scenarios."""

from __future__ import annotations

from typing import Any

from drivesim.scenario.diff import ABSENT, Change, diff
from drivesim.scenario.schema import Scenario


def made(**values: Any) -> Scenario:
    return Scenario.model_validate({"name": "x", **values})


def test_equal_scenarios_differ_in_nothing_but_their_labels() -> None:
    assert diff(made(), made(name="y", description="other", extends="x")) == []


def test_a_change_has_a_dotted_path_and_both_values() -> None:
    assert diff(made(), made(map={"lane_width": 3})) == [Change("map.lane_width", 3.5, 3.0)]


def test_a_distribution_is_one_value() -> None:
    (change,) = diff(made(), made(ego={"start_speed": {"normal": [3, 1]}}))
    assert change == Change("ego.start_speed", {"uniform": [0.0, 8.0]}, {"normal": [3.0, 1.0]})


def test_what_only_one_has_is_absent_in_the_other() -> None:
    mix = {"attentive": 1.0, "bold": 0.5}
    other = made(pedestrians={"mix": mix, "profiles": {"attentive": {}, "bold": {}}})
    changes = {change.path: change for change in diff(made(), other)}
    assert changes["pedestrians.mix.bold"] == Change("pedestrians.mix.bold", ABSENT, 0.5)
    assert changes["pedestrians.profiles.bold"].before is ABSENT


def test_triggers_are_compared_one_by_one() -> None:
    first, second = (made(triggers=[{"position": 50}, {"position": p}]) for p in (90, 95))
    assert diff(first, second) == [Change("triggers.1.position", 90.0, 95.0)]


def test_the_order_of_modalities_and_of_actions_counts() -> None:
    assert [c.path for c in diff(made(modalities=["depth", "gray"]), made(modalities=["gray", "depth"]))] == [
        "modalities"
    ]
    first, second = (made(actions={name: {} for name in names}) for names in ("ab", "ba"))
    assert [change.path for change in diff(first, second)] == ["actions"]


def test_named_against_continuous_actions_is_one_change() -> None:
    (change,) = diff(made(), made(actions="continuous"))
    assert (change.path, change.after) == ("actions", "continuous")
