from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.novelty import KIND
from probes.data.state_set import load_states
from probes.measures.novelty import novelty
from probes.measures.prior_samples import KIND as SAMPLES
from probes.measures.prior_samples import RESULT, STORED
from probes.synthesis.findings import load_findings
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_findings_samples_and_held_out_states_are_compared_with_the_fitted_ones(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states = load_states(tiny.states)
    with artifact.writing(tmp_path / "drawn", SAMPLES, config={}, seed=0, parents={}) as scratch:
        np.save(scratch / STORED, states.stored(states.fit_indices[:5]))
        artifact.write_json(scratch / RESULT, {"layout": states.layout.to_json()})
    arguments = [
        "novelty", str(searched), str(tmp_path / "drawn"), "--states", str(tiny.states),
        "--samples", "3", "--real-states", "4", "--json", "-o", str(tmp_path / "n"),
    ]  # fmt: skip
    capsys.readouterr()
    assert main(arguments) == 0
    sources = told(capsys)["sources"]
    assert {name: one["states"] for name, one in sources.items()} == {
        "t-plus-minus": 2,
        "drawn": 3,
        "held-out": 4,
    }
    assert sources["drawn"]["mean_changed"]["value"] == 0.0
    assert sources["held-out"]["realistic"]["value"] == 1.0
    found = load_findings(searched)
    expected = novelty(found.stored[found.order], states).changed().mean()
    assert sources["t-plus-minus"]["mean_changed"]["value"] == pytest.approx(expected)
    result = artifact.read_json(tmp_path / "n" / "result.json")
    assert result["paper"]["more_than"]["0.1"] == 0.99
    assert result["sources"]["t-plus-minus"]["agent"] == "reasonable-seg4"
    by_objective = np.load(tmp_path / "n" / "t-plus-minus.by-objective.npy")
    assert states.held_out[by_objective].all()
    assert np.load(tmp_path / "n" / "t-plus-minus.shown.npy").shape == (2, 5, *states.layout.stored_shape)
    manifest = artifact.load(tmp_path / "n", KIND)
    assert manifest.parents.keys() == {"states", "t-plus-minus", "drawn"}
    assert main(arguments) == 0
    assert told(capsys)["sources"] == sources
    assert artifact.load(tmp_path / "n", KIND) == manifest


def test_an_artifact_of_another_kind_is_refused(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["novelty", str(tiny.model), "--states", str(tiny.states), "-o", str(tmp_path / "n")]
    assert main(arguments) == MISUSE
    assert "state-model" in capsys.readouterr().err


def test_a_games_findings_are_compared_without_a_camera(
    tiny_game: Tiny, searched_game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--states", str(tiny_game.states), "--agent", str(tiny_game.agent), "-o", str(tmp_path / "n")]
    assert main(["novelty", str(searched_game), *where, "--json"]) == 0
    sources = told(capsys)["sources"]
    assert set(sources) == {"t-minus", "held-out"}
    assert set(sources["t-minus"]) == {"states", "mean_changed", "more_than"}
    assert 0.0 <= sources["held-out"]["mean_changed"]["value"] < 0.25
    result = artifact.read_json(tmp_path / "n" / "result.json")
    assert "realism" not in result["sources"]["t-minus"]
