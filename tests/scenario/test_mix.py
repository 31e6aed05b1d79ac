"""Mixes: which worlds play what, and everything that is wrong with a file, each at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivesim.scenario.errors import Issue, ScenarioError
from drivesim.scenario.loader import scenario_digest
from drivesim.scenario.mix import Mix, in_words, load_mix, split
from tests.towns import scenario

CROSSING = "schema_version: 1\nname: {name}\nextends: crossing_trigger\n{more}"


def write(folder: Path, name: str, more: str = "") -> None:
    """Write a scripted crossing."""
    (folder / f"{name}.yaml").write_text(CROSSING.format(name=name, more=more))


def mixed(folder: Path, text: str, worlds: int = 8) -> Mix:
    """Load a mix file of that text, beside two crossings."""
    write(folder, "one")
    write(folder, "two", "cars: {count: 1}\n")
    (folder / "mix.yaml").write_text(text)
    return load_mix(folder / "mix.yaml", scenario(), worlds)


def issues_in(folder: Path, text: str, worlds: int = 8) -> list[Issue]:
    with pytest.raises(ScenarioError) as caught:
        mixed(folder, text, worlds)
    return caught.value.issues


@pytest.mark.parametrize(
    ("share", "worlds", "scenarios", "expected"),
    [
        (0.5, 64, 3, [32, 11, 11, 10]),
        (0.5, 5, 1, [2, 3]),  # 2.5 of 5 worlds: a half is rounded up
        (0.25, 8, 2, [6, 1, 1]),
        (1.0, 4, 4, [0, 1, 1, 1, 1]),
        (0.1, 8, 2, [7, 1, 0]),
    ],
)
def test_worlds_are_split_by_the_share_and_then_evenly(
    share: float, worlds: int, scenarios: int, expected: list[int]
) -> None:
    assert split(share, worlds, scenarios) == expected


def test_a_file_names_shipped_scenarios_and_files_beside_it(tmp_path: Path) -> None:
    mix = mixed(tmp_path, "schema_version: 1\nshare: 0.75\nscenarios: [two.yaml, distracted]\n")
    assert [(p.scenario.name, p.worlds) for p in mix.parts] == [
        ("reasonable", 2),
        ("two", 3),
        ("distracted", 3),
    ]
    assert mix.parts[1].scenario.cars.count == 1


def test_without_a_share_half_of_the_worlds_play_what_was_found(tmp_path: Path) -> None:
    assert [p.worlds for p in mixed(tmp_path, "scenarios: [one.yaml]").parts] == [4, 4]


def test_with_a_share_of_one_nobody_plays_the_usual_scenario(tmp_path: Path) -> None:
    mix = mixed(tmp_path, "share: 1\nscenarios: [one.yaml]")
    assert [(p.scenario.name, p.worlds) for p in mix.parts] == [("one", 8)]


def test_of_a_folder_all_scenarios_play_in_half_of_the_worlds(tmp_path: Path) -> None:
    write(tmp_path, "b")
    write(tmp_path, "a")
    (tmp_path / "notes.txt").write_text("no scenario")
    mix = load_mix(tmp_path, scenario(), 7)
    assert [(p.scenario.name, p.worlds) for p in mix.parts] == [("reasonable", 3), ("a", 2), ("b", 2)]


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"the folder is empty; allowed: one with \.yaml files"):
        load_mix(tmp_path, scenario(), 8)


ONE = "scenarios: [one.yaml]\n"
REFUSED = {
    "shar: 0.5\n" + ONE: (
        1,
        1,
        "shar",
        "unknown key; allowed: schema_version, share, scenarios; nearest: share",
    ),
    "schema_version: 2\n" + ONE: (1, 17, "schema_version", "found 2; allowed: 1"),
    "share: 0\n" + ONE: (1, 8, "share", "found 0; allowed: a number above 0, 1 at most"),
    "share: 1.5\n" + ONE: (1, 8, "share", "found 1.5"),
    "share: true\n" + ONE: (1, 8, "share", "found true"),
    "share: .nan\n" + ONE: (1, 8, "share", "found .nan; allowed: finite numbers"),
    "share: 0.5\n": (1, 1, "scenarios", "missing; allowed: a list of shipped names and .yaml files"),
    "scenarios: one.yaml": (1, 12, "scenarios", 'found "one.yaml"; allowed: a list'),
    "scenarios: []": (1, 12, "scenarios", "at least one"),
    "scenarios: [one.yaml, 3]": (1, 23, "scenarios.1", "found 3; allowed: a shipped name"),
    "scenarios:\n  - one.yaml\n  - one.yaml": (3, 5, "scenarios.1", "first in line 2; allowed: once"),
    "scenarios: [onne.yaml]": (1, 13, "scenarios.0", "nearest: one.yaml"),
    "scenarios: [distacted]": (1, 13, "scenarios.0", "nearest: distracted"),
    "scenarios: [../one.yaml]": (1, 13, "scenarios.0", "a .yaml file in the same folder"),
    "": (1, 1, "-", "the file is empty; allowed: a mapping with at least scenarios"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, text: str) -> None:
    (issue,) = issues_in(tmp_path, text)
    line, column, path, message = REFUSED[text]
    assert issue.file == str(tmp_path / "mix.yaml")
    assert (issue.line, issue.column, issue.path) == (line, column, path)
    assert message in issue.message


def test_all_issues_of_the_file_and_of_its_scenarios_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "bad", "cars: {count: -1}\n")
    found = issues_in(tmp_path, "share: 2\nscenarios: [bad.yaml, onne.yaml]\nextra: 1\n")
    places = [(Path(issue.file).name, issue.line, issue.column) for issue in found]
    assert places == [("mix.yaml", 1, 8), ("mix.yaml", 2, 23), ("mix.yaml", 3, 1), ("bad.yaml", 4, 15)]


def test_a_scenario_that_shows_other_pictures_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "small", "camera: {width: 64, height: 64}\nstack: 2\n")
    (issue,) = issues_in(tmp_path, "scenarios: [one.yaml, small.yaml]")
    assert (issue.line, issue.column, issue.path) == (1, 23, "scenarios.1")
    assert issue.message == (
        "small.yaml shows other pictures than reasonable: camera.width is 64, not 128, "
        "camera.height is 64, not 128, stack is 2, not 4; allowed: the same"
    )


def test_of_a_folder_what_does_not_fit_is_told_at_the_scenarios_file(tmp_path: Path) -> None:
    write(tmp_path, "fits")
    write(tmp_path, "gray", "modalities: [gray]\n")
    with pytest.raises(ScenarioError) as caught:
        load_mix(tmp_path, scenario(), 8)
    (issue,) = caught.value.issues
    assert (issue.file, issue.line, issue.column, issue.path) == (str(tmp_path / "gray.yaml"), 1, 1, "-")
    assert "gray.yaml shows other pictures" in issue.message


@pytest.mark.parametrize(
    "more", ["actions: continuous\n", "actions: {coast: {throttle: 0.5}}\n", "sim: {decision_hz: 5}\n"]
)
def test_a_scenario_that_offers_other_actions_is_refused(tmp_path: Path, more: str) -> None:
    write(tmp_path, "other", more)
    (issue,) = issues_in(tmp_path, "scenarios: [other.yaml]")
    assert "other.yaml offers other actions than reasonable: " in issue.message


def test_a_scenario_that_no_world_would_play_is_refused(tmp_path: Path) -> None:
    (found,) = issues_in(tmp_path, "share: 0.1\nscenarios: [one.yaml, two.yaml]")
    assert (found.line, found.column) == (2, 12)
    assert "2 scenarios are to share 1 of 8 worlds" in found.message
    (usual,) = issues_in(tmp_path, "share: 0.95\nscenarios: [one.yaml]")
    assert (usual.line, usual.column, usual.path) == (1, 8, "share")
    assert "leaves none of 8 worlds to reasonable" in usual.message


def test_the_record_tells_two_mixes_apart(tmp_path: Path) -> None:
    mix = mixed(tmp_path, ONE)
    usual, found = (scenario_digest(part.scenario) for part in mix.parts)
    assert mix.record() == {
        "share": 0.5,
        "parts": [
            {"scenario": "reasonable", "sha256": usual, "worlds": 4},
            {"scenario": "one", "sha256": found, "worlds": 4},
        ],
    }
    write(tmp_path, "one", "cars: {count: 3}\n")
    assert load_mix(tmp_path / "mix.yaml", scenario(), 8).record() != mix.record()
    told = f"a mix, share 0.5, worlds: 4 of reasonable (sha256 {usual[:8]}), 4 of one (sha256 {found[:8]})"
    assert in_words(mix.record()) == told
    assert in_words(None) == "no mix"
