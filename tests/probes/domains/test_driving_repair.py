from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drivesim.scenario.loader import load, loads
from drivesim.scenario.record import record_of
from probes.domains.driving import load_agent
from probes.domains.driving_repair import (
    AFTER,
    AS_BEFORE,
    BEFORE,
    CONTROL,
    HELD_OUT,
    MENDED,
    TRAINED,
    as_result,
    halves,
    home_file,
    verdict,
    write_mix,
)
from probes.moment_replay import OPEN
from probes.replay import Outcome
from probes.statistics import Estimate
from tests.probes.crossings import write_crossing


def told(file: str | None, again: float = 1.0) -> dict[str, Any]:
    return (
        {"file": file, "why_not": "he did not cross"}
        if file is None
        else {
            "file": file,
            "again": {"value": again},
        }
    )


def test_every_other_scenario_that_fails_again_is_held_out() -> None:
    files = [told("a.yaml"), told(None), told("b.yaml", 0.5), told("c.yaml", 0.45), told("d.yaml")]
    trained, held_out = halves(Path("m"), files)
    assert trained == [Path("m/a.yaml"), Path("m/d.yaml")]
    assert held_out == [Path("m/b.yaml")]


@pytest.mark.parametrize(("place", "ends"), [(30.0, [20.0, 40.0]), (4.0, [0.0, 14.0])])
def test_a_crossing_to_learn_from_is_moved_along_the_block(
    place: float, ends: list[float], tmp_path: Path
) -> None:
    crossing = write_crossing(tmp_path, "crossing")
    given = yaml.safe_load(crossing.read_text())
    given["ego"]["start_position"] = place
    crossing.write_text(yaml.safe_dump(given))
    write_mix([crossing], tmp_path / "mix")
    written = yaml.safe_load((tmp_path / "mix" / crossing.name).read_text())
    assert written["ego"].pop("start_position") == {"uniform": ends}
    del given["ego"]["start_position"]
    assert written == given
    assert load(str(tmp_path / "mix" / crossing.name)).triggers


def gap(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 10)


@pytest.mark.parametrize(
    ("before", "control", "scenarios", "word"),
    [
        (gap(-0.6, -0.1), gap(-0.5, -0.2), 5, MENDED),
        (gap(-0.6, -0.1), gap(-0.5, -0.2), 4, OPEN),
        (gap(-0.6, -0.1), gap(-0.5, 0.2), 9, OPEN),
        (gap(-0.04, 0.2), gap(-0.04, 0.1), 9, AS_BEFORE),
        (gap(-0.04, 0.2), gap(-0.06, 0.1), 9, OPEN),
    ],
)
def test_it_is_mended_if_both_before_and_without_it_were_worse(
    before: Estimate, control: Estimate, scenarios: int, word: str
) -> None:
    assert verdict(before, control, scenarios) == word


def drives(*hits: int, of: int = 4) -> list[list[Outcome]]:
    return [[Outcome(k, "person", 30.0, 5.0, k < n, k < n, 3.0) for k in range(of)] for n in hits]


def test_drivers_are_compared_place_by_place() -> None:
    def driven(*hits: int) -> dict[str, list[list[Outcome]]]:
        return {HELD_OUT: drives(*hits), TRAINED: drives(*hits[:2]), "reasonable": drives(0, 0, of=1)}

    before, after, control = driven(4, 4, 4, 4, 4, 2), driven(0, 0, 0, 0, 1, 1), driven(*[4] * 6)
    told = as_result({BEFORE: before, AFTER: after, CONTROL: control})
    held_out = {name: by_place[HELD_OUT] for name, by_place in told["drivers"].items()}
    assert held_out[BEFORE]["avoidable"]["value"] == pytest.approx(22 / 24)
    assert held_out[AFTER]["avoidable"]["value"] == pytest.approx(2 / 24)
    assert held_out[AFTER]["trials"] == 6
    assert held_out[AFTER]["mean_speed"]["value"] == pytest.approx(6.0)
    assert told["after_less"][BEFORE][HELD_OUT]["value"] == pytest.approx(-20 / 24)
    assert told["after_less"][CONTROL][TRAINED]["value"] == -1.0
    assert told["after_less"][BEFORE]["reasonable"]["value"] == 0.0
    assert told["verdict"] == MENDED


def test_an_agent_of_ones_own_scenario_learns_on_in_that(tmp_path: Path) -> None:
    assert home_file(load_agent("reasonable-seg4"), tmp_path) == "reasonable"
    own = loads(b"schema_version: 1\nname: school_street\nextends: reasonable\ncars: {count: 3}\n")
    agent = load_agent("reasonable-seg4")
    agent.scenario, agent.definition = own.name, record_of(own)
    written = load(home_file(agent, tmp_path))
    assert written.model_copy(update={"extends": "reasonable"}) == own
