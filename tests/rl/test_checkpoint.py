"""Agents come back as they were, and damaged ones are refused by name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from drivesim.rl.checkpoint import (
    CheckpointError,
    check_arrays,
    load_agent,
    load_directory,
    load_large,
    load_network,
    save_agent,
    save_directory,
)
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.random_frames import GRAY, TINY


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    save_agent(tmp_path / "a", ActorCritic(LAYOUT, SMALL, seed=3), {"actions": ["left", "stay", "right"]})
    return tmp_path / "a"


def rewrite(agent: Path, **changes: Any) -> None:
    header = json.loads((agent / "agent.json").read_text())
    header["metadata"].update({k: v for k, v in changes.items() if k in header["metadata"]})
    header.update({k: v for k, v in changes.items() if k not in header["metadata"]})
    (agent / "agent.json").write_text(json.dumps(header))


@pytest.mark.parametrize("half", [True, False])
def test_an_agent_comes_back_as_it_was(tmp_path: Path, half: bool) -> None:
    network = ActorCritic(LAYOUT, SMALL, seed=3)
    save_agent(tmp_path / "a", network, {"actions": ["left", "stay", "right"]}, half=half)
    loaded, metadata = load_agent(tmp_path / "a")
    assert metadata == {"actions": ["left", "stay", "right"]}
    assert (loaded.layout, loaded.config) == (network.layout, network.config)
    for name, weight in network.state_dict().items():
        expected = weight.half().float() if half else weight
        assert torch.equal(loaded.state_dict()[name], expected)
    assert not loaded.training
    observations, _ = Catch(4).reset(seed=0)
    ours, theirs = (n.head(n.prepare(observations)).policy.detach() for n in (network, loaded))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)


def test_an_agent_of_half_precision_takes_half_the_room(tmp_path: Path, agent: Path) -> None:
    save_agent(tmp_path / "full", ActorCritic(LAYOUT, SMALL), {}, half=False)
    half, full = ((path / "agent.safetensors").stat().st_size for path in (agent, tmp_path / "full"))
    assert half < 0.6 * full


def test_saving_again_replaces_and_leaves_nothing_else(agent: Path) -> None:
    save_agent(agent, ActorCritic(LAYOUT, SMALL, seed=4), {})
    assert load_agent(agent)[1] == {}
    assert [path.name for path in agent.parent.iterdir()] == ["a"]


def test_actions_may_be_counted_by_gymnasium(tmp_path: Path) -> None:
    network = ActorCritic(LAYOUT, replace(SMALL, actions=np.int64(3)))  # type: ignore[arg-type]  # as there
    save_agent(tmp_path / "a", network, {})
    assert load_agent(tmp_path / "a")[0].config == SMALL


def test_a_failed_save_leaves_the_old_one(agent: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_agent(agent, ActorCritic(LAYOUT, SMALL, seed=4), {"rate": float("nan")})
    assert load_agent(agent)[1] == {"actions": ["left", "stay", "right"]}
    assert [path.name for path in agent.parent.iterdir()] == ["a"]


def test_a_truncated_file_is_named(agent: Path) -> None:
    file = agent / "agent.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"agent\.safetensors: truncated or altered"):
        load_agent(agent)


def test_a_missing_file_is_named(tmp_path: Path, agent: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere/agent\.json: cannot be read"):
        load_agent(tmp_path / "nowhere")
    (agent / "agent.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"agent\.safetensors: cannot be read"):
        load_agent(agent)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\udcff", "not JSON"),
        ("[]", "does not describe"),
        ('{"format": "drivesim state"}', "does not describe"),
        ('{"format": "drivesim agent", "format_version": 2}', "format version 2"),
        ('{"format": "drivesim agent", "format_version": 1}', "sha256"),
    ],
)
def test_a_header_that_is_none_is_refused(agent: Path, text: str, problem: str) -> None:
    (agent / "agent.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match=rf"agent\.json: .*{problem}"):
        load_agent(agent)


@pytest.mark.parametrize(
    "changes",
    [
        {"layout": {"planes": ["semantic"]}},
        {"layout": "gray"},
        {"network": {"actions": 3, "convolutions": [[1]], "palette": []}},
        {"network": {"actions": 3, "convolutions": [], "palette": [], "depth": 3}},
        {"network": None},
    ],
)
def test_settings_that_describe_no_network_are_refused(agent: Path, changes: dict[str, Any]) -> None:
    rewrite(agent, **changes)
    with pytest.raises(CheckpointError, match=r"agent\.json: describes no network"):
        load_agent(agent)


def test_weights_of_another_network_are_refused(agent: Path) -> None:
    settings = json.loads((agent / "agent.json").read_text())["metadata"]["network"]
    rewrite(agent, network={**settings, "hidden": 32})
    with pytest.raises(CheckpointError, match=r"agent\.safetensors: .* has shape .*, expected"):
        load_agent(agent)
    rewrite(agent, network={**settings, "continuous": True})
    with pytest.raises(CheckpointError, match="missing arrays: log_std"):
        load_agent(agent)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = ActorCritic(LAYOUT, SMALL)
    with torch.no_grad():
        network.value.bias.fill_(torch.inf)
    save_agent(tmp_path / "a", network, {})
    with pytest.raises(CheckpointError, match=r"value\.bias holds numbers that are not finite"):
        load_agent(tmp_path / "a")


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors.numpy, "save", lambda _: b"\x80\x04pickle")
    save_directory(tmp_path / "a", "agent", {}, {})
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_directory(tmp_path / "a", "agent")


def test_arrays_are_compared_by_name_shape_and_kind() -> None:
    file, wanted = Path("x"), {"a": np.zeros(2)}
    check_arrays(file, {"a": np.zeros(2, dtype=np.float16)}, wanted)
    with pytest.raises(CheckpointError, match="x: unknown arrays: b"):
        check_arrays(file, {**wanted, "b": np.zeros(2)}, wanted)
    with pytest.raises(CheckpointError, match="x: a holds int64, expected float64"):
        check_arrays(file, {"a": np.zeros(2, dtype=np.int64)}, wanted)


def test_arrays_of_every_kind_and_order_survive(tmp_path: Path) -> None:
    arrays = {
        "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "scalar": np.array(2.5),
        "mask": np.array([True, False]),
        "words": np.array([2**64 - 1], dtype=np.uint64),
        "empty": np.zeros((0, 3), dtype=np.uint8),
    }
    save_directory(tmp_path / "a", "state", arrays, {"step": 1})
    loaded, metadata = load_directory(tmp_path / "a", "state")
    assert metadata == {"step": 1}
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


@pytest.mark.parametrize("is_duelling", [True, False])
def test_a_network_of_action_values_comes_back_as_it_was(tmp_path: Path, is_duelling: bool) -> None:
    network = QNetwork(GRAY, replace(TINY, is_duelling=is_duelling), seed=3)
    save_agent(tmp_path / "a", network, {"actions": ["noop", "up", "down"]}, half=False)
    loaded, metadata = load_network(tmp_path / "a")
    assert isinstance(loaded, QNetwork)
    assert metadata == {"actions": ["noop", "up", "down"], "algorithm": "dqn"}
    assert (loaded.layout, loaded.config) == (network.layout, network.config)
    states = torch.rand(2, *GRAY.state_shape)
    assert torch.equal(loaded(states), network(states))
    with pytest.raises(CheckpointError, match=r"agent\.json: algorithm is 'dqn', expected an actor-critic"):
        load_agent(tmp_path / "a")


def test_an_actor_critic_says_nothing_of_its_algorithm(agent: Path) -> None:
    network, metadata = load_network(agent)
    assert isinstance(network, ActorCritic)
    assert "algorithm" not in metadata


def test_large_arrays_lie_beside_the_others(tmp_path: Path) -> None:
    large = {"replay.frames": np.arange(24, dtype=np.uint8).reshape(4, 3, 2)[:, ::2]}
    save_directory(tmp_path / "a", "state", {"b": np.zeros(1)}, {}, large)
    (found,) = load_large(tmp_path / "a", "state").items()
    assert found[0] == "replay.frames"
    np.testing.assert_array_equal(found[1], large["replay.frames"])
    assert load_directory(tmp_path / "a", "state")[0].keys() == {"b"}
    save_directory(tmp_path / "a", "state", {}, {})
    assert load_large(tmp_path / "a", "state") == {}


def test_large_arrays_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a" / "x.npy"
    save_directory(tmp_path / "a", "state", {}, {}, {"x": np.zeros(3)})
    header = json.loads((tmp_path / "a" / "state.json").read_text())
    for content in (b"", b"\x80\x04pickle", file.read_bytes()[:100]):
        file.write_bytes(content)
        header["files"] = {"x": hashlib.sha256(content).hexdigest()}
        (tmp_path / "a" / "state.json").write_text(json.dumps(header))
        with pytest.raises(CheckpointError, match=r"x\.npy: not an array of numbers"):
            load_large(tmp_path / "a", "state")
    header["files"] = {"../x": ""}
    (tmp_path / "a" / "state.json").write_text(json.dumps(header))
    with pytest.raises(CheckpointError, match=r"state\.json: files does not name"):
        load_large(tmp_path / "a", "state")
