from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivesim import cli as drivesim_cli
from probes import cli
from probes.agent import ProbeError
from probes.domains.driving_companions import PEERS, Company, random_companion
from probes.domains.driving_study import (
    PRESETS,
    TARGETS,
    TRAINING_STEPS,
    Amounts,
    ReturnAmounts,
    StudyConfig,
    finding_names,
    plan,
    scratch_agent,
    scratch_steps,
)
from probes.domains.study_steps import SearchAmounts
from probes.models import find_model
from probes.study import Step
from probes.synthesis.findings import slug

FEW = Amounts(SearchAmounts(300, 100, 60, 3, 4), 40, 8, 5, 1, 6, 7, 0, SearchAmounts(30, 10, 5, 2, 3), 9)
ACTIONS = ("coast", "brake")
CONFIG = StudyConfig("a", {"crisp": "m", "paper": "n"}, ("reasonable", "distracted"), FEW, ACTIONS, seed=9)


def words(steps: list[Step], command: str) -> str:
    (found,) = [" ".join(step.words) for step in steps if step.words[0] == command]
    return found


def test_a_smoke_study_reads_the_goggles_of_state_models_that_bring_a_record(tmp_path: Path) -> None:
    shipped = {name: str(find_model(f"reasonable-seg4-{name}")) for name in ("crisp", "paper")}
    for preset, models, played in (
        ("smoke", shipped, ["crisp"]),
        ("quick", shipped, ["crisp", "paper"]),
        ("smoke", {"crisp": "m", "paper": "n"}, ["crisp", "paper"]),
    ):
        config = replace(CONFIG, amounts=PRESETS[preset], models=models)
        assert list(config.played) == played
        named = " ".join(f"{name}={models[name]}" for name in played)
        assert f"--models {named} --episodes" in words(plan(config, tmp_path), "goggles")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_stage_is_a_command_that_can_be_typed(preset: str, tmp_path: Path) -> None:
    company = Company((*PEERS, random_companion("a", "m")))
    steps = plan(replace(CONFIG, amounts=PRESETS[preset], company=company), tmp_path)
    steps += scratch_steps(preset, "reasonable", tmp_path)
    assert len(steps) > 20
    for step in steps:
        parse: Callable[[tuple[str, ...]], object]
        if step.words[0] == "drivesim":
            parse = drivesim_cli.make_parser().parse_args
            parse(step.words[1:])
        else:
            parse = cli.make_parser(step.words[0]).parse_args
            parse(step.words)


def test_amounts_reach_their_stages() -> None:
    steps = plan(CONFIG, Path("d"))
    assert words(steps, "collect").startswith("collect --agent a --fit-states 300 --held-out-states 100 ")
    search = words(steps, "search")
    assert search.startswith("search T- T+ T± S+ S- V+ V- uncertain blind coast brake --agent a --model m ")
    assert "--real-states 60 --chains 3 --steps 4" in search
    assert "--seed 9" in search
    assert "--quantile 0.1" in search
    assert "--samples 40" in words(steps, "samples")
    assert "--samples 8 --real-states 8" in words(steps, "novelty")
    assert "--count 1 --steps 5" in words(steps, "activation-max")
    assert "--models crisp=m paper=n --episodes 6" in words(steps, "goggles")
    assert "--scenarios reasonable distracted --episodes 7" in words(steps, "replay")


def test_findings_lie_where_the_search_puts_them() -> None:
    assert finding_names(ACTIONS)[:3] == ("t-minus", "t-plus", "t-plus-minus")
    assert finding_names(ACTIONS)[-2:] == ("action-coast", "action-brake")
    assert finding_names(ACTIONS)[-1] == slug("brake", "action:brake")
    assert len(set(finding_names(ACTIONS))) == len(TARGETS) + 2


def test_braking_is_counted_only_if_episodes_are_given() -> None:
    assert not any(step.words[0] == "braking" for step in plan(CONFIG, Path("d")))
    more = replace(CONFIG, amounts=replace(FEW, braking_episodes=5))
    assert "--episodes 5 -o d/braking" in words(plan(more, Path("d")), "braking")


def test_findings_are_taken_back_where_amounts_and_two_scenarios_are_given() -> None:
    commands = ("realize", "replay-moments", "awareness")
    assert not any(step.words[0] in commands for step in plan(CONFIG, Path("d")))
    more = replace(CONFIG, amounts=replace(FEW, returned=ReturnAmounts(7, 11, 3, 12)))
    steps = plan(more, Path("d"))
    found = " ".join(f"d/findings/{name}" for name in ("t-minus", "action-brake", "blind"))
    assert words(steps, "realize") == f"realize {found} --states d/states --agent a --most 7 -o d/realized"
    assert words(steps, "replay-moments").startswith("replay-moments d/realized --states d/states --agent a ")
    assert "--scenarios reasonable distracted --random 11 --drives 3 --films 1" in words(
        steps, "replay-moments"
    )
    assert words(steps, "awareness") == "awareness a --episodes 12 -o d/awareness"
    alone = replace(more, scenarios=("reasonable",))
    assert not any(step.words[0] in commands for step in plan(alone, Path("d")))
    assert not any(step.words[0] == "repair" for step in steps)
    returned = ReturnAmounts(7, 11, 3, 12, repair_steps=13, repair_episodes=17)
    mending = plan(replace(more, amounts=replace(FEW, returned=returned)), Path("d"))
    asked = "--scenarios reasonable distracted --steps 13 --episodes 17 --training-seed 9"
    assert words(mending, "repair") == f"repair d/moments --agent a {asked} -o d/repair"
    without = replace(more, actions=("coast",))
    assert "action-brake" not in words(plan(without, Path("d")), "realize")


def test_one_model_must_be_the_searched_one() -> None:
    with pytest.raises(ProbeError, match="found m, n; one of them must be named crisp"):
        plan(replace(CONFIG, models={"m": "m", "n": "n"}), Path("d"))


def test_a_study_from_scratch_trains_then_collects_then_fits_both_models(tmp_path: Path) -> None:
    steps = scratch_steps("smoke", "reasonable", tmp_path, seed=3)
    run = scratch_agent("reasonable", tmp_path)
    assert run == tmp_path / "reasonable-from-scratch"
    assert [step.words[0] for step in steps] == ["drivesim", "collect", "fit", "fit", "fit"]
    train = steps[0].words
    assert (Path("runs") / train[train.index("--run") + 1]).resolve() == run.resolve()
    assert train[train.index("--steps") + 1] == str(TRAINING_STEPS["smoke"])
    assert "--resume" not in train
    fits = [" ".join(step.words) for step in steps[2:]]
    assert all("--preset smoke --seed 3" in fit for fit in fits)
    latents = os.fspath(tmp_path / "crisp-latents")
    assert fits[0].endswith(f"-o {latents}")
    assert fits[1].endswith(f"-o {tmp_path / 'crisp'} --part prior --init {latents}")
    assert fits[2].endswith(f"-o {tmp_path / 'paper'}")


def test_the_states_that_were_fitted_are_those_that_are_studied(tmp_path: Path) -> None:
    agent = str(scratch_agent("reasonable", tmp_path))
    studied = plan(replace(CONFIG, agent=agent, amounts=PRESETS["smoke"]), tmp_path)
    assert words(scratch_steps("smoke", "reasonable", tmp_path), "collect") == words(studied, "collect")


def test_training_that_has_begun_is_resumed(tmp_path: Path) -> None:
    (scratch_agent("reasonable", tmp_path) / "checkpoints" / "000000000064").mkdir(parents=True)
    assert "--resume" in scratch_steps("smoke", "reasonable", tmp_path)[0].words


def test_companions_are_asked_after_all_else_and_by_amounts_of_their_own() -> None:
    alone = plan(CONFIG, Path("d"))
    steps = plan(replace(CONFIG, company=Company((random_companion("a", "m"),))), Path("d"))
    assert steps[: len(alone)] == alone
    search, contents = (" ".join(step.words) for step in steps[len(alone) :])
    assert "--real-states 5 --chains 2 --steps 3 --batch 8 --precision bf16 --seed 9" in search
    assert contents.endswith("-o d/others/random-weights/contents")


def test_a_companion_computes_no_more_than_the_studied_agent() -> None:
    for amounts in PRESETS.values():
        for name, value in vars(amounts.others).items():
            assert value <= getattr(amounts.own, name), name
