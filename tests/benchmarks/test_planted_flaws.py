from pathlib import Path

import pytest

from benchmarks import planted_flaws
from benchmarks.planted_flaws import FLAWED, SOUND, is_trained, training
from drivesim.cli import main
from drivesim.scenario.loader import load
from drivesim.scenario.schema import Scenario


def town(kind: str) -> Scenario:
    return load(str(planted_flaws.HERE / f"{kind}.yaml"))


def test_the_two_towns_differ_in_what_their_people_do_alone() -> None:
    flawed, sound = (town(kind).model_dump() for kind in (FLAWED, SOUND))
    for scenario in (flawed, sound):
        for name in ("name", "description", "extends"):
            del scenario[name]
        for name in ("profiles", "mix"):
            del scenario["pedestrians"][name]
    assert flawed == sound


def test_a_run_is_trained_once_it_has_made_all_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = training(FLAWED, 3, "small", 512).split()[2:]
    here = Path.cwd()
    monkeypatch.chdir(tmp_path)
    recipe[0] = str(here / recipe[0])
    assert not is_trained(tmp_path / "runs" / "small", 512)
    assert main(["train", *recipe]) == 0
    assert is_trained(tmp_path / "runs" / "small", 512)
    assert not is_trained(tmp_path / "runs" / "small", 1024)


def test_a_command_that_fails_is_named_with_its_record(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with pytest.raises(RuntimeError, match=r"no_such_town.*log\.txt"):
        planted_flaws.call_command(["drivesim", "scenario", "check", "no_such_town"], log)
    assert "no_such_town" in log.read_text()
