from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivesim.scenario.loader import load
from probes.cli import MISUSE, main
from probes.cli.contents import tell
from probes.data.state_set import load_states
from probes.domains.driving import load_agent
from probes.domains.viewpoint import make_viewpoint
from probes.synthesis.findings import load_findings
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_findings_are_set_beside_recorded_states(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["contents", str(searched), "--states", str(tiny.states), "--json", "-o", str(tmp_path / "c")]
    assert main(arguments) == 0
    first = told(capsys)
    assert first["real"]["states"] == 12
    assert set(first["targets"]) == {"t-plus-minus"}
    one = first["targets"]["t-plus-minus"]
    assert one["target"]["name"] == "T±"
    assert one["all"]["states"] == 2
    assert one["real_highest"]["states"] == 2  # 5% of the 6 that findings are held against, but at least two
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert "up to date" in again.err
    assert first["path"] in again.out


def test_the_real_states_of_the_highest_j_are_told(tiny: Tiny, searched: Path) -> None:
    states, found = load_states(tiny.states), load_findings(searched)
    viewpoint = make_viewpoint(load(load_agent("reasonable-seg4").scenario))
    highest = found.real_indices[np.argsort(-found.real_objective)[:2]]
    for action in range(len(states.actions)):
        told_of = tell(found, states, action, viewpoint)["real_highest"]
        assert told_of["brakes"]["value"] == float((states.scores[highest].argmax(1) == action).mean())


def test_findings_of_other_states_are_refused(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    few = ["--fit-states", "4", "--held-out-states", "4", "--worlds", "2", "--spacing", "2", "--threads", "1"]
    assert main(["collect", *few, "-o", str(other)]) == 0
    capsys.readouterr()
    assert main(["contents", str(searched), "--states", str(other), "-o", str(tmp_path / "c")]) == MISUSE
    assert "was made from other states than" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_an_action_that_is_none_is_named(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["contents", str(searched), "--states", str(tiny.states), "-o", str(tmp_path / "c")]
    assert main([*arguments, "--brake", "brak"]) == MISUSE
    assert "brake" in capsys.readouterr().err


def test_a_state_model_is_asked_whether_it_draws_people_near_again(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["contents", str(searched), "--states", str(tiny.states), "--json", "-o", str(tmp_path / "c")]
    assert main([*arguments, "--model", str(tiny.model)]) == 0
    first = told(capsys)
    near = {"person on the road", "person within the stopping path"}
    assert set(first["drawn_again"]) == near
    for name, kept in first["drawn_again"].items():
        seen = first["real"]["shows"][name]
        assert (kept is None) == (seen["value"] == 0)
    # Another question is another result.
    assert main(arguments) == 0
    assert "drawn_again" not in told(capsys)
