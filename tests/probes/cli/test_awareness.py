from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.cli import MISUSE, awareness, main

FEW = ["--episodes", "3", "--seed", "500000", "--threads", "1", "--json"]


def test_agents_are_judged_beside_their_controls_and_not_asked_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [
        "awareness",
        "distracted-seg4",
        "--scenario",
        "reasonable",
        *FEW,
        "-o",
        str(tmp_path / "out"),
    ]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert list(told["agents"]) == ["distracted-seg4", "distracted-seg4-random-0"]
    aware, random = told["agents"].values()
    assert aware["score"]["value"] > 0.02 > abs(random["score"]["value"])
    assert aware["score"]["n"] == told["moments"] == 3
    # Three moments tell nothing of hits.
    assert aware["hits"] is None
    assert aware["verdict"]["word"] == "cannot tell"
    assert "distracted-seg4: cannot tell" in captured.err
    assert told["controls"]["positive"] == {"agent": "distracted-seg4", "word": "cannot tell"}
    assert told["controls"]["as_expected"] is False
    assert "distracted-seg4 should be aware, and is found: cannot tell" in captured.err
    assert sum(course["dangers"] for course in aware["courses"]) > 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    places = result["agents"]["distracted-seg4"]["places"]
    assert {place["what"] for place in places} == {"person", "person beyond pole", "car"}
    assert (tmp_path / "out" / "map.png").read_bytes().startswith(b"\x89PNG")

    def fail(*_: object) -> None:
        raise ProbeError("asked again")

    monkeypatch.setattr(awareness, "collect_moments", fail)
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "up to date" in captured.err
    assert json.loads(captured.out) == told
    assert main([*arguments, "--random-weights", "1"]) == MISUSE


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> str:
    assert main(["awareness", *arguments, "-o", str(folder / "out")]) == MISUSE
    assert list(folder.iterdir()) == []
    return capsys.readouterr().err


def test_what_cannot_be_asked_is_refused_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "agents of different names" in refused(capsys, tmp_path, "reasonable-seg4", "reasonable-seg4")
    told = refused(capsys, tmp_path, "reasonable-seg4", "--scenario", "mixed_field")
    assert "ask it in a scenario that it was made for" in told
    told = refused(capsys, tmp_path, "--seed", "999990", "--episodes", "20")
    assert "found seeds 999990 to 1000009" in told
    assert "found 1 moments in 1 episodes" in refused(capsys, tmp_path, "--episodes", "1")
    assert "did you mean 'reasonable-seg4'" in refused(capsys, tmp_path, "reasonable-seg")


def test_controls_that_fail_are_told() -> None:
    told = {
        "a": {"verdict": {"word": "aware"}},
        "b": {"verdict": {"word": "unaware"}},
    }
    good = awareness.judged({"positive": "a", "negative": "b"}, told)
    bad = awareness.judged({"positive": "a", "negative": "a"}, told)
    without = awareness.judged({"positive": None, "negative": "b"}, told)
    assert (good["as_expected"], bad["as_expected"], without["as_expected"]) == (True, False, True)
    assert "a should be unaware, and is found: aware" in bad["words"]
    assert without["positive"] is None
    assert "no positive one" in without["words"]
