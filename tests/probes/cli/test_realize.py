from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.realize import GAP, KIND, chosen_of
from probes.synthesis.findings import load_findings
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_findings_are_taken_back_and_shown_beside_what_was_found(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["realize", str(searched), "--states", str(tiny.states), "--generations", "2", "--json"]
    arguments += ["--all", "--threads", "2", "-o", str(tmp_path / "r")]
    assert main(arguments) == 0
    first = told(capsys)
    assert first["targets"]["t-plus-minus"]["realised"]["n"] == 2
    kept = artifact.read_json(tmp_path / "r" / "result.json")
    assert sorted(row["finding"] for row in kept["states"]) == [0, 1]
    assert all(row["reasons"] or row["is_realised"] for row in kept["states"])
    assert np.load(tmp_path / "r" / "drawn.npy").shape == (2, 4, 1, 128, 128)
    picture = cv2.imread(str(tmp_path / "r" / "pictures.png"))
    assert picture is not None
    assert picture.shape == (2 * 128, 2 * 4 * 128 + GAP, 3)
    assert artifact.load(tmp_path / "r", KIND).parents.keys() == {"states", "t-plus-minus"}
    assert main(arguments) == 0
    assert "up to date" in capsys.readouterr().err


def test_only_what_passes_the_checks_is_taken_back_unless_all_is_asked_for(searched: Path) -> None:
    found = load_findings(searched)
    best, other = found.order
    rows = [{**row, "passes": k == other} for k, row in enumerate(found.result["findings"])]
    findings = replace(found, result={**found.result, "findings": rows})
    assert chosen_of(findings, 8, all_of_them=False) == [other]
    assert chosen_of(findings, 8, all_of_them=True) == [best, other]
    assert chosen_of(findings, 1, all_of_them=True) == [best]


def test_where_nothing_passes_there_is_nothing_to_take_back(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not load_findings(searched).passes.any(), "noise of a tiny model passes no check"
    arguments = ["realize", str(searched), "--states", str(tiny.states), "--json", "-o", str(tmp_path / "r")]
    assert main(arguments) == 0
    assert told(capsys)["targets"]["t-plus-minus"]["realised"] is None
    few = ["--random", "2", "--drives", "2", "--seconds", "1", "--threads", "1", "--json"]
    moments = ["replay-moments", str(tmp_path / "r"), "--states", str(tiny.states), *few]
    assert main([*moments, "-o", str(tmp_path / "m")]) == 0
    assert told(capsys)["verdicts"] == {}


def test_a_scenario_that_is_not_there_is_told_of(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["realize", str(searched), "--states", str(tiny.states), "--scenario", "resonable"]
    assert main([*arguments, "-o", str(tmp_path / "r")]) == MISUSE
    assert "resonable" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_scenario_whose_pictures_the_agent_does_not_see_is_refused(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["realize", str(searched), "--states", str(tiny.states), "--scenario", "mixed_field"]
    assert main([*arguments, "-o", str(tmp_path / "r")]) == MISUSE
    assert "error" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
