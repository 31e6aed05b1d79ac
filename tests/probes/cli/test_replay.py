from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.cli import MISUSE, main, replay

ARGUMENTS = ["replay", "--agents", "driver:blind", "driver:parked", "--episodes", "3", "--seed", "7"]


def run(output: Path, *more: str) -> int:
    return main([*ARGUMENTS, "--json", "-o", str(output), *more])


def test_a_replay_tells_rates_and_contrasts_and_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path / "replay", "--films", "0") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["summaries"]["blind"]["distracted"]["hits_per_km"]["value"] > 0
    assert told["summaries"]["blind"]["reasonable"]["hits_per_km"]["value"] == 0
    sides = [(one["before"], one["other"]) for one in told["contrasts"]]
    blind, parked = (
        [{"agent": name, "scenario": s} for s in ("reasonable", "distracted")] for name in ("blind", "parked")
    )
    assert sides == [
        (blind[0], blind[1]), (blind[0], parked[0]), (blind[1], parked[1]), (parked[0], parked[1])
    ]  # fmt: skip
    assert (told["films"], told["no_films"]) == ([], replay.NOT_WANTED)

    def fail(*_: object) -> None:
        raise ProbeError("driven again")

    monkeypatch.setattr(replay, "drive_seeds", fail)
    assert run(tmp_path / "replay", "--films", "0") == 0
    assert json.loads(capsys.readouterr().out) == told
    assert run(tmp_path / "replay", "--films", "0", "--episodes", "2") == MISUSE


def test_without_pybullet_there_is_no_film_and_the_result_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "can_film", lambda: False)
    assert run(tmp_path / "replay") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["no_films"] == replay.NO_FILMS
    assert "PyBullet" in captured.err
    result = json.loads((tmp_path / "replay" / "result.json").read_text())
    assert result["films"] == []
    worst = result["worst"]["blind"]
    assert worst["reasonable"] is None
    assert worst["distracted"]["ending"] == "person"
    assert [one["start"] for one in result["outcomes"]["parked"]["distracted"]] == [7, 8, 9]


def test_the_same_driver_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["replay", "--agents", "driver:blind", "driver:blind", "-o", str(tmp_path / "replay")]
    assert main(twice) == MISUSE
    assert "agents of different names" in capsys.readouterr().err
