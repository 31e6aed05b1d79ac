from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.collect import (
    CollectConfig,
    SeenThrough,
    check_fit,
    collect,
    epsilon_greedy,
    manifest_config,
    rebuild,
)
from probes.data.recording import Drive
from probes.data.state_set import KIND
from probes.states import Plane, StateLayout
from tests.probes.counters import LAYOUT, Counters, Critic

SMALL = CollectConfig(
    fit_states=20, held_out_states=6, worlds=3, spacing=2, fit_seed=40, held_out_seed=100, epsilon=0.5
)


def test_a_set_holds_the_states_that_were_asked_for_and_what_the_agent_said_of_them(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    agent = Critic()
    states = collect(Counters, agent, SMALL, tmp_path / "set", lambda *done: told.append(done))
    assert (len(states.fit_indices), len(states.held_out_indices)) == (20, 6)
    whole = len(states.taken)
    assert told == [(decisions, whole) for decisions in range(1, whole + 1)]
    assert whole == SMALL.decisions
    output = agent.judge(states.stored(np.arange(26)))
    np.testing.assert_allclose(states.scores, output.scores.numpy(), atol=1e-6)
    np.testing.assert_allclose(states.value, output.value.numpy(), atol=1e-6)


def test_fit_and_held_out_states_come_from_different_seeds(tmp_path: Path) -> None:
    states = collect(Counters, Critic(), SMALL, tmp_path / "set")
    seeds = states.provenance["seed"]
    assert seeds[~states.held_out].min() == 40
    assert seeds[~states.held_out].max() < 100
    assert seeds[states.held_out].min() == 100


def test_held_out_states_follow_episodes_as_far_as_those_to_fit(tmp_path: Path) -> None:
    few = replace(SMALL, fit_states=120, held_out_states=12, spacing=1)
    states = collect(Counters, Critic(), few, tmp_path / "set")
    per_world = few.held_out_states // few.worlds
    assert len(states.taken) == 120 // 3 + 1 + (per_world - 1) * 10
    near = replace(few, held_out_spacing=1)
    assert len(collect(Counters, Critic(), near, tmp_path / "near").taken) == 120 // 3 + per_world


def test_a_set_that_knows_one_spacing_is_driven_anew_by_it() -> None:
    told = asdict(SMALL)
    assert CollectConfig.from_json(told) == SMALL
    del told["held_out_spacing"]
    assert CollectConfig.from_json(told).held_out_every == SMALL.spacing < SMALL.held_out_every


def test_no_state_straddles_two_episodes(tmp_path: Path) -> None:
    states = collect(Counters, Critic(), SMALL, tmp_path / "set")
    pictures = states.stored(np.arange(len(states)))[:, :, 1, 0]  # (N, T, W): seed, step, moves
    assert (pictures[:, :, 0] == states.provenance["seed"][:, None]).all()
    steps = states.provenance["step"]
    assert (pictures[:, 1, 1] == steps).all()
    assert (pictures[:, 0, 1] == np.maximum(steps - 1, 0)).all()
    assert (steps == 0).sum() > 6  # more than the first ones of either part


def test_the_same_configuration_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        collect(Counters, Critic(), SMALL, tmp_path / name)
    first, second = (artifact.load(tmp_path / name, KIND) for name in ("a", "b"))
    assert first.files == second.files
    other = collect(Counters, Critic(), replace(SMALL, seed=1), tmp_path / "c")
    assert artifact.load(other.path, KIND).files["actions.npy"] != first.files["actions.npy"]


def test_without_epsilon_every_action_is_the_agents_best(tmp_path: Path) -> None:
    states = collect(Counters, Critic(), replace(SMALL, epsilon=0.0), tmp_path / "set")
    assert np.array_equal(states.provenance["action"], states.scores.argmax(1))


def test_epsilon_is_the_share_of_decisions_that_are_drawn_from_all_actions() -> None:
    agent = Critic()
    with torch.no_grad():
        agent.scores.weight.zero_()
        agent.scores.bias.copy_(torch.tensor([1.0, 0.0]))
    drive = Drive(Counters(2000), range(10_000))
    actions = epsilon_greedy(agent, drive, replace(SMALL, epsilon=0.4)).actions
    # Half of the drawn ones are the best action again; four standard deviations are 0.036.
    assert actions.mean() == pytest.approx(0.2, abs=0.036)


def test_the_last_worlds_act_by_what_a_state_model_shows_and_keep_the_states_themselves(
    tmp_path: Path,
) -> None:
    agent = Critic()
    with artifact.writing(tmp_path / "model", "state-model", config={}, seed=0, parents={}):
        pass
    played: list[int] = []

    def worst(stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        played.append(len(stored))
        best: NDArray[np.int64] = agent.judge(stored).scores.numpy().argmin(1)
        return best

    through = SeenThrough(worst, tmp_path / "model")
    states = collect(Counters, agent, replace(SMALL, epsilon=0.0), tmp_path / "set", through=through)
    provenance = states.provenance
    seen = provenance["world"] >= 1  # two of three: half of them, rounded up
    assert set(played) == {2}
    assert np.array_equal(provenance["action"][seen], states.scores[seen].argmin(1))
    assert np.array_equal(provenance["action"][~seen], states.scores[~seen].argmax(1))
    pictures = states.stored(np.arange(len(states)))
    assert (pictures[:, 1, 1, 0, 0] == provenance["seed"]).all()
    manifest = artifact.load(states.path, KIND)
    assert manifest.config["through_share"] == 0.5
    assert manifest.parents["through"].kind == "state-model"


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_of_worlds_is_more_than_none_and_at_most_all(share: float, tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=f"through_share: found {share}, allowed are more than 0, to 1"):
        SeenThrough(lambda stored: np.zeros(len(stored), np.int64), tmp_path, share)


def test_the_draws_of_an_episode_do_not_depend_on_how_many_worlds_there_are() -> None:
    few = epsilon_greedy(Critic(), Drive(Counters(2), range(70, 99)), SMALL).actions
    many = epsilon_greedy(Critic(), Drive(Counters(9), range(70, 99)), SMALL).actions
    assert few.tolist() == many[:2].tolist()
    assert 0 < many.mean() < 1


def test_seeds_and_recorded_actions_rebuild_a_set_without_the_agent(tmp_path: Path) -> None:
    states = collect(Counters, Critic(), SMALL, tmp_path / "set")
    rebuilt = rebuild(tmp_path / "set", Counters, tmp_path / "again")
    assert rebuilt.differing == ()
    assert rebuilt.found_sha256 == rebuilt.expected_sha256
    assert np.array_equal(rebuilt.states.provenance, states.provenance)
    first, second = (artifact.load(tmp_path / name, KIND) for name in ("set", "again"))
    assert first.digest == second.digest


def test_a_simulation_that_plays_out_otherwise_is_found_by_the_frames(tmp_path: Path) -> None:
    collect(Counters, Critic(), SMALL, tmp_path / "set")
    rebuilt = rebuild(tmp_path / "set", partial(Counters, bias=1), tmp_path / "again")
    assert rebuilt.differing == ("frames.npy",)
    assert rebuilt.found_sha256 != rebuilt.expected_sha256


def test_a_set_is_not_rebuilt_in_another_simulation(tmp_path: Path) -> None:
    collect(Counters, Critic(), SMALL, tmp_path / "set")
    with pytest.raises(ProbeError, match=r"collected in 'counters' \(sha256 0\)"):
        rebuild(tmp_path / "set", partial(Counters, digest="1"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_set_is_current_until_something_that_decides_it_changes(tmp_path: Path) -> None:
    agent = Critic()
    collect(Counters, agent, SMALL, tmp_path / "set")

    def is_current(config: CollectConfig, simulation: Counters) -> bool:
        made = manifest_config(config, agent, simulation)
        return artifact.is_current(tmp_path / "set", KIND, config=made, seed=config.seed, parents={})

    assert is_current(SMALL, Counters(3))
    assert not is_current(replace(SMALL, spacing=3), Counters(3))
    assert not is_current(replace(SMALL, seed=1), Counters(3))
    assert not is_current(SMALL, Counters(3, digest="1"))
    agent.digest = "d"
    assert not is_current(SMALL, Counters(3))


def test_the_worlds_are_closed_after_a_failure_and_nothing_is_left(tmp_path: Path) -> None:
    made: list[Counters] = []

    def factory(worlds: int) -> Counters:
        made.append(Counters(worlds))
        return made[-1]

    with pytest.raises(ProbeError, match="have run out"):
        collect(factory, Critic(), replace(SMALL, held_out_seed=44), tmp_path / "set")
    assert made[0].is_closed
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_sees_something_else_is_refused() -> None:
    agent = Critic(StateLayout((Plane("gray", "level"),), 2, 4, 4))
    with pytest.raises(ProbeError, match=r"the agent sees .*gray.* 'counters' shows .*semantic"):
        check_fit(agent, Counters(1))


def test_an_agent_with_other_actions_is_refused() -> None:
    agent = Critic(LAYOUT)
    agent.actions = ("stay", "jump")
    with pytest.raises(ProbeError, match="acts by stay, jump, but simulation 'counters' offers stay, move"):
        check_fit(agent, Counters(1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fit_states", 0),
        ("worlds", 0),
        ("spacing", 0),
        ("held_out_spacing", 0),
        ("epsilon", 1.5),
        ("held_out_seed", 600_010),
    ],
)
def test_a_number_out_of_range_is_named_with_what_is_allowed(name: str, value: float) -> None:
    numbers: dict[str, Any] = {name: value}
    with pytest.raises(ProbeError, match=rf"{name}: found {value}, allowed are"):
        CollectConfig(**numbers)
