from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.cli import MISUSE, main

BRIEF = "schema_version: 1\nname: brief\nextends: reasonable\nsim: {episode_s: 1}\n"


def test_braking_is_told_with_and_without_traffic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "brief.yaml").write_text(BRIEF)
    arguments = [
        "braking",
        "--agent",
        "reasonable-seg4",
        "--scenario",
        str(tmp_path / "brief.yaml"),
        "--json",
    ]
    arguments += ["--episodes", "2", "-o", str(tmp_path / "braking")]
    assert main(arguments) == 0
    roads = json.loads(capsys.readouterr().out)["roads"]
    assert set(roads) == {"with traffic", "without traffic"}
    moving = roads["without traffic"]["moving"]
    assert 0 < moving["decisions"] <= 20
    assert moving["share"]["value"] == moving["brakes"] / moving["decisions"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "up to date" in captured.err
    assert json.loads(captured.out)["roads"] == roads


def test_an_agent_that_cannot_see_there_is_refused_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["braking", "--scenario", "reasonable", "--episodes", "1", "-o", str(tmp_path / "braking")]
    assert main(arguments) == MISUSE
    assert "choose an agent that was made for it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
