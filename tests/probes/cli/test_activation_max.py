from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.synthesis.findings import load_findings
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_pixels_are_maximised_beside_the_findings(
    tiny: Tiny,
    searched: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ["activation-max", str(searched), *tiny.given, "--count", "2", "--steps", "2"]
    arguments += ["--json", "-o", str(tmp_path / "a")]
    capsys.readouterr()
    assert main(arguments) == 0
    groups = {group["name"]: group for group in told(capsys)["groups"]}
    names = ["real", "ours", "none", "sobolev", "total_variation", "gaussian_blur", "transforms"]
    assert list(groups) == names
    found, result = load_findings(searched), artifact.read_json(tmp_path / "a" / "result.json")
    assert result["ours"]["places"] == found.order.tolist()
    np.testing.assert_allclose(groups["ours"]["objective_stored"]["value"], found.objective.mean(), rtol=1e-3)
    assert groups["ours"]["mse_to_real"]["n"] == 2
    stored = np.load(tmp_path / "a" / "stored.npy")
    assert stored.shape == (7, 2, *found.layout.stored_shape)
    np.testing.assert_array_equal(stored[1], found.stored[found.order])
    with monkeypatch.context() as patch:
        patch.setattr("probes.cli.activation_max.compare", None)
        assert main(arguments) == 0
    assert {group["name"] for group in told(capsys)["groups"]} == set(names)


def test_findings_of_another_agent_are_refused(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["activation-max", str(searched), *tiny.given, "--random-weights", "0"]
    assert main([*arguments, "-o", str(tmp_path / "a")]) == MISUSE
    assert "search with this one" in capsys.readouterr().err


def test_pixels_of_a_game_are_maximised(
    tiny_game: Tiny, searched_game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["activation-max", str(searched_game), *tiny_game.given, "--count", "2", "--steps", "2"]
    assert main([*arguments, "--json", "-o", str(tmp_path / "a")]) == 0
    groups = {group["name"]: group for group in told(capsys)["groups"]}
    assert np.load(tmp_path / "a" / "stored.npy").shape == (7, 2, 4, 3, 84, 84)
    assert all(group["disagreement_with_real"] is None for group in groups.values())
    assert groups["ours"]["mse_to_real"]["value"] >= 0.0
