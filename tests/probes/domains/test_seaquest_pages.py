from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.domains.seaquest_pages import deaths_verdict, oxygen_section, shown_verdict
from probes.domains.study_sections import Shelf
from probes.report.contract import Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import number, toy_shelf, write


def part(low: float, danger: float, states: int = 10) -> dict[str, Any]:
    """Return what `describe` says."""
    return {
        "states": states,
        "unreadable": number(0.125, states),
        "low": number(low, states),
        "danger": number(danger, states),
    }


def target(name: str, used: str, passed: dict[str, Any] | None) -> dict[str, Any]:
    told = {"name": name, "used": used, "description": "of a kind"}
    return {"target": told, "all": part(0.5, 0.5), "passed": passed, "real_highest": part(0.75, 0.75)}


def condition(suffocated: int, hit: int, lead: float) -> dict[str, Any]:
    deaths = suffocated + hit
    causes = {
        "suffocation": {"deaths": suffocated, "share": number(0.5, deaths), "games": number(0.75, 4)},
        "enemy": {"deaths": hit, "share": number(0.25, deaths), "games": number(0.5, 4)},
    }
    return {
        "games": 4,
        "deaths": deaths,
        "causes": causes,
        "commonest_other": "enemy",
        "lead": number(lead, 4),
        "score": number(100.0, 4),
        "decisions": number(500.0, 4),
    }


def oxygen(lead: float = 2.0, actions: dict[str, dict[str, Any] | None] | None = None) -> dict[str, Any]:
    """Return what `probes oxygen` wrote."""
    known = {"brake": part(0.5, 0.25)} if actions is None else actions
    return {
        "real": part(0.25, 0.125, 40),
        "reading": {"danger_right": number(0.875)},
        "targets": {
            "t-minus": target("T-", "V-", part(0.5, 0.5)),
            "v-minus": target("V-", "V-", None),
            **{f"action-{name}": target(name, f"action:{name}", told) for name, told in known.items()},
        },
        "conditions": {"normal": condition(12, 4, lead), "kept full": condition(0, 15, -3.75)},
        "difference": {"score": number(50.0, 4), "decisions": number(250.0, 4)},
    }


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder: Path = tmp_path_factory.mktemp("study")
    found = toy_shelf(folder)
    write(folder, "oxygen", oxygen())
    return found


def test_findings_stand_beside_recorded_states_target_by_target(shelf: Shelf) -> None:
    shown, verdict, deaths, games, cause = oxygen_section(shelf).items
    assert isinstance(shown, Table)
    assert [row[0] for row in shown.rows] == [
        "recorded, all held out",
        "synthesised for T-, V-",
        "synthesised for brake",
    ]
    assert shown.rows[0][1:5] == (
        40,
        Estimate(0.125, 0.0, 0.25, 40),
        Estimate(0.25, 0.125, 0.375, 40),
        Estimate(0.125, 0.0, 0.25, 40),
    )
    assert shown.rows[0][5] is None
    assert shown.rows[2][5] == Estimate(0.75, 0.625, 0.875, 10)
    assert "87.5% rightly" in shown.look_for
    assert isinstance(deaths, Table)
    assert deaths.rows[0][:2] == ("oxygen as the game has it: suffocation", 12)
    assert deaths.rows[2][:2] == ("oxygen kept full: suffocation", 0)
    assert isinstance(games, Table)
    assert games.rows[2][1] == Estimate(50.0, 49.875, 50.125, 4)
    assert isinstance(verdict, Text)
    assert verdict.text == shown_verdict(oxygen())
    assert isinstance(cause, Text)
    assert cause.text == deaths_verdict(oxygen())


def test_what_was_not_synthesised_is_never_called_more() -> None:
    actions = {
        "up": part(0.75, 0.5),
        "fire": part(0.25, 0.125),
        "down": part(0.0, 0.0),
        "left": None,
        "right": {**part(0.0, 0.0), "low": None, "danger": None},
    }
    low, danger = shown_verdict(oxygen(actions=actions)).split(". ")
    assert low == (
        "Low oxygen was synthesised for 2 of 3 actions; not synthesised for down; no state to look at for "
        "left, right; more often than recorded for up; where nothing is said the intervals overlap"
    )
    assert danger.startswith("Low oxygen under water was synthesised for 2 of 3 actions")
    assert "understood" not in low + danger


def test_where_no_state_passes_nothing_is_counted() -> None:
    told = shown_verdict(oxygen(actions={"up": None, "down": None}))
    assert told.startswith(
        "Low oxygen: of no action is there a synthesised state to look at. Low oxygen under"
    )


def test_rarer_than_recorded_is_said_too_and_so_is_that_nothing_differs() -> None:
    told = oxygen(actions={"up": part(0.25, 0.125)})
    assert shown_verdict(told).count("for each of them the interval overlaps") == 2
    told["real"] = part(0.75, 0.125, 40)
    assert "less often than recorded for up." in shown_verdict(told)


def test_suffocation_leads_only_where_the_interval_says_so() -> None:
    assert deaths_verdict(oxygen(2.0)).startswith("Suffocation is the main cause of death. 12 of 16 sub")
    assert "is not the main cause of death: more are lost by enemy" in deaths_verdict(oxygen(-1.0))
    assert "leaves open whether enemy is" in deaths_verdict(oxygen(0.0))
    assert "differs by 50.00 (95%: 49.88 to 50.12)" in deaths_verdict(oxygen())


def test_an_agent_that_loses_no_submarine_dies_of_nothing() -> None:
    told = oxygen()
    told["conditions"]["normal"] = condition(0, 0, 0.0)
    assert deaths_verdict(told) == "No submarine was lost."
