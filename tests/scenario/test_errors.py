"""How issues are written."""

from __future__ import annotations

import pickle

from drivesim.scenario.errors import MAX_ISSUES, Issue, ScenarioError, dotted, in_order, shown


def test_an_issue_reads_as_place_path_and_message() -> None:
    assert str(Issue("a.yaml", 3, 7, "map.lanes", "found 9")) == "a.yaml:3:7  map.lanes  found 9"


def test_an_error_shows_all_its_issues_and_survives_pickling() -> None:
    error = ScenarioError([Issue("a", 1, 1, "-", "one"), Issue("a", 2, 1, "-", "two")])
    assert str(error) == "a:1:1  -  one\na:2:1  -  two"
    assert pickle.loads(pickle.dumps(error)).issues == error.issues


def test_the_files_own_issues_come_first_by_place_and_once() -> None:
    parent, late, early = (Issue(*place, "-", "x") for place in (("a", 1, 1), ("b", 9, 1), ("b", 2, 1)))
    assert in_order([parent, late, early, late], "b") == [early, late, parent]


def test_a_long_list_is_cut_and_counted() -> None:
    found = in_order([Issue("a", line, 1, "-", "x") for line in range(1, 251)], "a")
    assert len(found) == MAX_ISSUES + 1
    assert found[-1].message == "150 more issues are not shown"


def test_paths_and_values_stay_on_one_line() -> None:
    assert dotted(()) == "-"
    assert dotted(("triggers", 0, "side")) == "triggers.0.side"
    assert "\n" not in dotted(("a\nb", "c"))
    assert shown("x" * 10_000).endswith("...")
    assert shown(None) == "nothing"
    assert shown(True) == "true"
