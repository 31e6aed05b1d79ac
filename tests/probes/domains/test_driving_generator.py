from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_companions import OTHER_MODEL
from probes.domains.driving_generator import generator_section, whose_doing
from probes.report.contract import Stacks, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import toy_shelf, write_companion

Shares = dict[str, Estimate | None]


def shares(synthesised: float | None, recorded: float = 0.5, again: float | None = 0.9) -> Shares:
    values = {"synthesised": synthesised, "recorded": recorded, "drawn again": again}
    return {name: None if v is None else Estimate(v, v - 0.1, v + 0.1, 40) for name, v in values.items()}


@pytest.mark.parametrize(
    ("own", "other", "begin"),
    [
        (shares(0.1), shares(0.1), "It is the agent's doing"),
        (shares(0.1), shares(0.8, again=None), "It is not the agent's doing"),
        (shares(0.1), shares(0.6), "It cannot be told: through the other"),
        (shares(0.1), shares(None), "It cannot be told: no state"),
        (shares(0.1), shares(0.1, again=0.55), "It cannot be told: it is not shown"),
        (shares(0.1), shares(0.1, again=None), "It cannot be told: it is not shown"),
    ],
)
def test_whose_doing_it_is_depends_on_what_can_be_drawn_and_what_is(
    own: Shares, other: Shares, begin: str
) -> None:
    assert whose_doing(own, other).startswith(begin)


@pytest.mark.parametrize(("own", "is_blamed"), [(0.1, True), (0.7, False), (None, False)])
def test_the_agents_own_state_model_is_blamed_only_for_fewer_people(
    own: float | None, is_blamed: bool
) -> None:
    assert ("that model's doing" in whose_doing(shares(own), shares(0.8))) == is_blamed


def test_both_state_models_stand_side_by_side(tmp_path: Path) -> None:
    shelf = toy_shelf(tmp_path)
    write_companion(tmp_path, OTHER_MODEL)
    table, verdict, shown = generator_section(shelf, OTHER_MODEL).items
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["its own", "the other"]
    again = table.rows[1][3]
    assert isinstance(again, Estimate)
    assert again.value == 0.75
    assert isinstance(verdict, Text)
    assert isinstance(shown, Stacks)
    assert shown.file == "others/other-state-model/findings/t-minus/stored.npy"
