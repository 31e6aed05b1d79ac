from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from probes import cli
from probes.agent import ProbeError
from probes.domains.atari_study import PRESETS, Amounts, StudyConfig, plan, scratch_agent, scratch_steps
from probes.domains.study_steps import SearchAmounts
from probes.study import Step

FEW = Amounts(SearchAmounts(300, 100, 60, 3, 4), 40, 8, 5, 1, 6, 7)
CONFIG = StudyConfig("a", "pong", {"crisp": "m", "paper": "n"}, FEW, ("noop", "fire"), True, seed=9)


def words(steps: list[Step], command: str) -> str:
    (found,) = [" ".join(step.words) for step in steps if step.words[0] == command]
    return found


@pytest.mark.parametrize("preset", PRESETS)
def test_every_stage_is_a_command_that_can_be_typed(preset: str, tmp_path: Path) -> None:
    steps = plan(CONFIG, tmp_path) + scratch_steps(preset, "pong", tmp_path)
    assert len(steps) == 13
    for step in steps:
        cli.make_parser(step.words[0]).parse_args(step.words)


def test_amounts_reach_their_stages() -> None:
    steps = plan(CONFIG, Path("d"))
    assert words(steps, "collect") == (
        "collect --agent a --game pong --fit-states 300 --held-out-states 100 -o d/states"
    )
    search = words(steps, "search")
    assert search.startswith(
        "search T- T+ T± S+ S- V+ V- uncertain noop fire --agent a --game pong --model m"
    )
    assert "--real-states 60 --chains 3 --steps 4" in search
    assert search.endswith("--seed 9 -o d/findings")
    assert "--models crisp=m paper=n --episodes 6" in words(steps, "goggles")
    assert "--samples 40" in words(steps, "samples")
    assert "--count 1 --steps 5" in words(steps, "activation-max")


def test_findings_lie_where_they_are_looked_for() -> None:
    assert CONFIG.findings[:3] == ("t-minus", "t-plus", "t-plus-minus")
    assert CONFIG.findings[-2:] == ("action-noop", "action-fire")


def test_the_value_of_an_agent_that_estimates_none_is_not_searched_for() -> None:
    without = replace(CONFIG, has_critic=False)
    assert set(CONFIG.targets) - set(without.targets) == {"V+", "V-"}
    assert "search T- T+ T± S+ S- uncertain noop fire --agent" in words(plan(without, Path("d")), "search")
    assert "v-plus" not in without.findings


def test_goggles_that_are_on_record_are_not_played() -> None:
    commands = [step.words[0] for step in plan(replace(CONFIG, has_goggles_record=True), Path("d"))]
    assert "goggles" not in commands
    assert len(commands) == len(plan(CONFIG, Path("d"))) - 1


def test_only_of_seaquest_are_deaths_counted() -> None:
    assert "oxygen" not in [step.words[0] for step in plan(CONFIG, Path("d"))]
    steps = plan(replace(CONFIG, game="seaquest"), Path("d"))
    found = words(steps, "oxygen")
    assert found.startswith("oxygen d/findings/t-minus d/findings/t-plus ")
    assert found.endswith(
        "d/findings/action-fire --agent a --game seaquest --states d/states --episodes 7 -o d/oxygen"
    )
    assert steps[-1].words[0] == "oxygen"
    cli.make_parser("oxygen").parse_args(steps[-1].words)
    assert [PRESETS[name].oxygen_episodes for name in ("smoke", "quick", "paper")] == [5, 30, 100]


def test_the_searched_model_must_be_named() -> None:
    config = StudyConfig("a", "pong", {"paper": "n"}, FEW, (), True)
    with pytest.raises(ProbeError, match="found paper; one of them must be named crisp"):
        plan(config, Path("d"))


def test_an_agent_that_has_begun_to_learn_goes_on(tmp_path: Path) -> None:
    train = words(scratch_steps("smoke", "pong", tmp_path), "train")
    assert "--resume" not in train
    (scratch_agent("pong", tmp_path) / "checkpoints" / "10").mkdir(parents=True)
    assert "--resume" in words(scratch_steps("smoke", "pong", tmp_path), "train")
