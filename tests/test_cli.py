from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from drivesim.cli import MISUSE, main
from drivesim.scenario.cli import INVALID


def test_unknown_agent_is_named_with_the_nearest_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "driver:blnd", "reasonable", "--episodes", "1"]) == MISUSE
    assert "driver:blind" in capsys.readouterr().err
    assert main(["evaluate", "drver:blind", "reasonable", "--episodes", "1"]) == MISUSE
    assert "did you mean 'driver:blind'?" in capsys.readouterr().err


def test_unknown_scenario_exits_with_the_scenarios_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "driver:blind", "resonable", "--episodes", "1"]) == INVALID
    assert "reasonable" in capsys.readouterr().err


def test_evaluate_prints_every_rate_with_its_interval_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "driver:blind", "distracted", "--episodes", "6", "--seed", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["episodes"] == 6
    assert result["km"] > 0.0
    assert result["mean_speed_mps"] > 1.0
    for name in ("person_per_km", "avoidable_person_per_km", "car_per_km", "offroad_per_km"):
        rate = result[name]
        assert set(rate) == {"value", "low", "high"}
        assert rate["low"] <= rate["value"] <= rate["high"]


def test_preview_refuses_an_unknown_suffix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "preview", "empty_road", "-o", str(tmp_path / "x.gif")]) == MISUSE
    assert ".png, .mp4" in capsys.readouterr().err


def test_missing_pybullet_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    arguments = ["record", "driver:blind", "empty_road", "--last", "1", "-o", str(tmp_path / "x.mp4")]
    assert main(arguments) == MISUSE
    assert "needs pybullet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_counts_below_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "driver:blind", "reasonable", "--episodes", "0"])
    assert "a whole number from 1 up" in capsys.readouterr().err
