from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.cli import MISUSE, falsify, main
from probes.domains import driving_falsify
from probes.falsify import Attempt


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving_falsify, "RUN_S", 0.2)
    monkeypatch.setattr(driving_falsify, "RECORD_S", 0.2)


def run(output: Path, *more: str) -> int:
    few = ["--seeds", "2", "--budget", "70", "--random-runs", "4", "--threads", "1"]
    return main(["falsify", *few, "--json", "-o", str(output), *more])


def test_steps_are_told_by_method_and_nothing_is_searched_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--methods", "uniform", "retrieval"]
    assert run(tmp_path / "falsify", *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["summaries"]) == ["uniform", "retrieval"]
    assert told["random"]["n"] == 2 * 4
    assert told["fastest"] is None  # nothing happens within 0.2 s
    result = json.loads((tmp_path / "falsify" / "result.json").read_text())
    first = {name: each[0] for name, each in result["attempts"].items()}
    # 36 runs of 2 steps are more than 70; of a recording of 32 steps, 16 runs follow, and another recording.
    assert (first["uniform"]["runs"], first["uniform"]["recorded"]) == (36, 0)
    assert (first["retrieval"]["runs"], first["retrieval"]["recorded"]) == (16, 64)
    assert [one["seed"] for one in result["attempts"]["uniform"]] == [500_000, 500_001]
    assert (tmp_path / "falsify" / "found.svg").read_bytes().startswith(b"<?xml")
    assert run(tmp_path / "falsify", *arguments) == 0
    captured = capsys.readouterr()
    assert "up to date" in captured.err
    assert json.loads(captured.out) == told


def test_a_method_of_ones_own_is_searched_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "import numpy as np\n\n\ndef middle(dimensions, seed):\n    while True:\n"
    (tmp_path / "own_search.py").write_text(f"{source}        yield np.full((1, dimensions), 0.5)\n")
    arguments = ["--methods", "uniform", "own_search:middle"]
    assert run(tmp_path / "falsify", *arguments) == 0
    assert list(json.loads(capsys.readouterr().out)["summaries"]) == ["uniform", "own_search:middle"]
    result = json.loads((tmp_path / "falsify" / "result.json").read_text())
    assert len(result["sources"]["own_search:middle"]) == 64
    assert result["attempts"]["own_search:middle"][0]["runs"] == 36


@pytest.mark.parametrize(
    ("methods", "end"),
    [(["halton", "unifrom"], "; did you mean 'uniform'?\n"), (["halton", "halton"], ", recorded\n")],
)
def test_methods_that_are_not_known_or_named_twice_are_refused(
    methods: list[str], end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "falsify", "--methods", *methods) == MISUSE
    complaint = capsys.readouterr().err
    assert f"found {', '.join(methods)}; allowed are different ones of uniform" in complaint
    assert complaint.endswith(end)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--realized", "--states"])
def test_findings_and_their_states_go_together(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["falsify", option, "somewhere", "-o", str(tmp_path / "f")]) == MISUSE
    assert "allowed are both or none" in capsys.readouterr().err


def test_an_agent_that_cannot_see_there_is_refused_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "falsify", "--agent", "mixed-full8", "--scenario", "reasonable") == MISUSE
    assert "choose an agent that was made for it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_fastest_is_set_against_the_others() -> None:
    def attempts(*steps: int) -> list[Attempt]:
        return [Attempt(seed, found < 90, found, 3, 0, 0.1) for seed, found in enumerate(steps)]

    result = falsify.as_result({"uniform": attempts(50, 90, 40), "halton": attempts(20, 30, 80)})
    assert result["fastest"] == "halton"
    assert result["duels"] == {"uniform": {**result["duels"]["uniform"], "sooner": 2, "later": 1}}
    assert result["summaries"]["uniform"]["median"] == 50.0
    random = {"value": 0.02, "low": 0.01, "high": 0.03, "n": 100}
    rarity, best = falsify.remarks({**result, "random": random, "is_rare": False})
    assert rarity == "random starts that fail: 2.00% [1.00%, 3.00%], not as rare as asked for, 1%"
    assert "halton" in best
