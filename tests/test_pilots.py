"""Who drives: names, and controls that the batch never changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from drivesim.drivers import DRIVERS
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.evaluation import drive
from drivesim.pilots import NetworkPilot, agent_directory, load_pilot
from drivesim.render.semantics import NUM_CLASSES
from drivesim.rl.checkpoint import CheckpointError, save_agent
from drivesim.rl.networks import ActorCritic, ActorCriticConfig, Convolution, InputLayout
from drivesim.scenario.schema import Scenario
from tests.towns import changed, scenario

SMALL = {"width": 16, "height": 16}


def plan(**sections: object) -> Scenario:
    """Make `reasonable` with images of 16 x 16 pixels and short episodes."""
    return changed("reasonable", camera=SMALL, sim={"episode_s": 4.0}, **sections)


def network(actions: int = 5, continuous: bool = False) -> ActorCritic:
    """Make a network for `plan` that has learned nothing, yet prefers some actions."""
    config = ActorCriticConfig(actions, continuous, convolutions=(Convolution(8, 3, 2),), hidden=16)
    made = ActorCritic(InputLayout(("semantic",), 4, 16, 16, NUM_CLASSES), config, seed=1)
    made.policy.weight.data *= 100.0
    return made


def save(path: Path, **metadata: object) -> str:
    """Save an agent of `plan`; return its name."""
    actions = {"actions": ["coast", "accelerate", "brake", "left", "right"]}
    save_agent(path, network(), {**actions, **metadata})
    return str(path)


def test_a_scripted_driver_reads_the_state_and_needs_no_images() -> None:
    pilot, metadata = load_pilot("driver:expert", scenario())
    assert not pilot.needs_images
    assert metadata == {"driver": "driver:expert"}
    env = DrivingVectorEnv(2, scenario(), "none")
    observations, _ = env.reset(seed=0)
    np.testing.assert_array_equal(pilot(env, observations), DRIVERS["expert"](env.state, env.tables))


def test_an_agent_that_was_saved_drives(tmp_path: Path) -> None:
    pilot, metadata = load_pilot(save(tmp_path / "mine", note="first"), plan())
    assert metadata["note"] == "first"
    assert pilot.needs_images
    env = DrivingVectorEnv(3, plan())
    observations, _ = env.reset(seed=0)
    controls = pilot(env, observations)
    listed = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0.12], [0, 0, -0.12]])
    assert (controls[:, None] == listed).all(-1).any(1).all()


def test_an_agents_drive_does_not_depend_on_the_batch() -> None:
    for draws in (False, True):
        pilot = NetworkPilot(network(), draws)
        whole = drive(plan(), pilot, range(5))
        assert drive(plan(), pilot, range(5), worlds=2) == whole


def test_an_agent_takes_the_likeliest_action_or_draws_from_its_policy() -> None:
    made = network(2)
    made.policy.weight.data[:] = 0.0
    made.policy.bias.data[:] = made.policy.bias.data.new_tensor([0.0, np.log(3.0)])
    two = plan(actions={"coast": {}, "accelerate": {"throttle": 1.0}})
    env = DrivingVectorEnv(400, two, "none", autoreset_mode=AutoresetMode.DISABLED)
    observations, _ = env.reset(seed=0)
    likeliest = NetworkPilot(made)(env, observations)
    assert (likeliest[:, 0] == 1.0).all()
    drawn = NetworkPilot(made, draws=True)(env, observations)
    # Three in four, within four standard errors.
    assert drawn[:, 0].mean() == pytest.approx(0.75, abs=0.087)
    env.step_controls(drawn)
    assert (NetworkPilot(made, draws=True)(env, observations) != drawn).any()


def test_a_continuous_agent_drives_by_its_clipped_means() -> None:
    made = network(2, continuous=True)
    made.policy.weight.data[:] = 0.0
    made.policy.bias.data[:] = made.policy.bias.data.new_tensor([-0.5, 7.0])
    env = DrivingVectorEnv(2, plan(actions="continuous"))
    observations, _ = env.reset(seed=0)
    assert NetworkPilot(made)(env, observations).tolist() == [[0.0, 0.5, 1.0]] * 2


def test_agents_are_found_by_directory_file_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(Path("runs/trial/agent"))
    found = Path("runs/trial/agent")
    for name in ("trial", "runs/trial", "runs/trial/agent", "runs/trial/agent/agent.json"):
        assert agent_directory(name) == found


def test_an_unknown_agent_is_refused_with_the_nearest_spelling(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no agent 'driver:blnd'.*did you mean 'driver:blind'\?"):
        agent_directory("driver:blnd")
    with pytest.raises(CheckpointError, match="no driver 'driver:blnd': allowed are driver:blind"):
        load_pilot("driver:blnd", scenario())
    with pytest.raises(CheckpointError, match="no agent"):
        load_pilot(str(tmp_path), scenario())


def test_an_agent_that_does_not_fit_the_scenario_is_refused(tmp_path: Path) -> None:
    name = save(tmp_path / "mine")
    with pytest.raises(CheckpointError, match=r"sees .* shows"):
        load_pilot(name, scenario())
    with pytest.raises(CheckpointError, match=r"acts by .* offers"):
        load_pilot(name, plan(actions={"coast": {}}))
    with pytest.raises(CheckpointError, match="offers"):
        load_pilot(name, plan(actions="continuous"))
