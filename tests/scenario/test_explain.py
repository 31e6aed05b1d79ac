"""Messages: what is wrong, what is allowed, the nearest spelling."""

from __future__ import annotations

import pytest

from drivesim.scenario.errors import Issue, ScenarioError
from drivesim.scenario.loader import loads


def issues_of(text: str) -> list[Issue]:
    with pytest.raises(ScenarioError) as caught:
        loads(f"name: x\n{text}".encode())
    return caught.value.issues


@pytest.mark.parametrize(
    ("text", "column", "path", "message"),
    [
        ("map: {lane_widht: 3}", 7, "map.lane_widht", "unknown key; *; nearest: lane_width"),
        ("cras: {count: 3}", 1, "cras", "unknown key; *; nearest: cars"),
        ("map: {lane_width: wide}", 19, "map.lane_width", 'found "wide"; allowed: a number from 2.5 to 5, *'),
        ("map: {lane_width: 9}", 19, "map.lane_width", "found 9; allowed: a number from 2.5 to 5"),
        (
            "map: {lane_width: {unifrom: [3, 4]}}",
            19,
            "map.lane_width",
            'found {"unifrom": [3, 4]}; *; nearest: uniform',
        ),
        (
            "map: {lane_width: {uniform: [3, x]}}",
            33,
            "map.lane_width.uniform.1",
            'found "x"; allowed: a number',
        ),
        (
            "signals: {enabled: off}",
            20,
            "signals.enabled",
            'found "off"; allowed: true or false; nearest: false',
        ),
        ("signals: {enabled: 1}", 20, "signals.enabled", "found 1; allowed: true or false"),
        ("stack: 4.5", 8, "stack", "found 4.5; allowed: a whole number from 1 to 16"),
        ("modalities: [dpeth]", 14, "modalities.0", 'found "dpeth"; *depth, semantic, gray; nearest: depth'),
        ("modalities: depth", 13, "modalities", 'found "depth"; allowed: a list of 1 to 3, each *'),
        ("actions: continuos", 10, "actions", "*; nearest: continuous"),
        ("actions: {go: {gas: 1}}", 16, "actions.go.gas", "unknown key; allowed: throttle, brake, steer"),
        ("actions: {'1': {}}", 11, "actions.1", "not a name; allowed: a name of at most 64 *"),
        ("camera: 5", 9, "camera", "found 5; allowed: a section with width, height, *"),
        ("camera:", 8, "camera", "found nothing; allowed: a section with *"),
        ("triggers: [{side: rigth}]", 19, "triggers.0.side", "*; nearest: right"),
    ],
)
def test_a_message_says_what_is_wrong_what_is_allowed_and_what_is_near(
    text: str, column: int, path: str, message: str
) -> None:
    (issue,) = issues_of(text)
    assert (issue.line, issue.column, issue.path) == (2, column, path)
    start, _, end = message.partition("*")
    assert issue.message.startswith(start)
    assert issue.message.endswith(end)


def test_a_missing_name_is_told_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(b"seed: 1")
    (issue,) = caught.value.issues
    assert (issue.path, issue.line) == ("name", 1)
    assert issue.message.startswith("missing; allowed: a name")


def test_an_unusable_name_is_not_called_missing() -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(b"name: !tag x")
    assert [issue.path for issue in caught.value.issues] == ["name"]
    assert "a tag" in caught.value.issues[0].message


def test_a_conflict_stands_at_the_field_that_the_file_wrote() -> None:
    (issue,) = issues_of("map:\n  lanes: 2")
    assert (issue.line, issue.column, issue.path) == (3, 10, "map.lanes")
    assert issue.message.startswith("at odds with signals.walk: walkers are stranded")


def test_fields_and_conflicts_are_told_together() -> None:
    found = issues_of("sim: {physics_hz: 61}\nreward: {person: 1}\nstack: 99\ncars: {cuont: 1}")
    assert [issue.path for issue in found] == ["sim.physics_hz", "reward.person", "stack", "cars.cuont"]


def test_a_conflict_with_a_broken_section_is_not_told() -> None:
    assert [issue.path for issue in issues_of("sim: {physics_hz: 61, decision_hz: x}")] == ["sim.decision_hz"]
