from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from probes.agent import ProbeError
from probes.domains.imported_agents import NatureNetwork, is_imported, load_imported
from tests.probes.domains import hostile_files
from tests.probes.domains.hostile_files import CLEANRL_FILES, SB3_FILES, good_weights, saved, sb3

ACTIONS = ("noop", "fire", "right", "left")


class Dummy(gymnasium.Env[Any, Any]):
    """An environment of pictures as SB3's Atari wrappers make them, channels last."""

    observation_space = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)
    action_space = gymnasium.spaces.Discrete(len(ACTIONS))

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        return self.observation_space.sample(), {}

    def step(self, _: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, False, False, {}


def sb3_model(algorithm: str) -> Any:
    library = pytest.importorskip("stable_baselines3")
    settings = {"DQN": {"buffer_size": 1}, "PPO": {"n_steps": 8, "batch_size": 8}, "A2C": {}}[algorithm]
    model = getattr(library, algorithm)("CnnPolicy", Dummy(), device="cpu", seed=3, **settings)
    with torch.no_grad():  # heads as new ones choose hardly any action but one
        for name, weight in model.policy.named_parameters():
            if name.startswith(("action_net", "q_net.q_net")):
                weight.normal_()
    return model


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["DQN", "A2C", "PPO"])
def test_an_imported_agent_acts_as_stable_baselines3_itself_does(algorithm: str, tmp_path: Path) -> None:
    model = sb3_model(algorithm)
    model.save(tmp_path / "model.zip")
    agent = load_imported(f"sb3:{tmp_path / 'model.zip'}", "breakout", ACTIONS)
    assert (agent.name, agent.game, agent.has_critic) == ("sb3-model", "breakout", algorithm != "DQN")
    rng = np.random.default_rng(0)
    chosen: list[int] = []
    for _ in range(10):
        gray = rng.integers(0, 256, (100, 4, 84, 84), dtype=np.uint8)
        gray[:, :, : rng.integers(84)] //= 8  # pictures that differ by more than noise
        stored = np.repeat(gray[:, :, None], 3, axis=2)
        found = agent.judge(stored).scores.argmax(1).tolist()
        wanted, _ = model.predict(gray, deterministic=True)
        assert found == wanted.tolist()
        chosen += found
    assert len(chosen) == 1000
    assert len(set(chosen)) > 1


@pytest.mark.slow
def test_an_imported_critic_says_what_stable_baselines3s_does(tmp_path: Path) -> None:
    model = sb3_model("A2C")
    model.save(tmp_path / "model.zip")
    agent = load_imported(f"sb3:{tmp_path / 'model.zip'}", "breakout", ACTIONS)
    gray = np.random.default_rng(0).integers(0, 256, (5, 4, 84, 84), dtype=np.uint8)
    with torch.no_grad():
        value = model.policy.predict_values(torch.from_numpy(gray)).squeeze(1)
    torch.testing.assert_close(agent.judge(np.repeat(gray[:, :, None], 3, axis=2)).value, value)


class CleanRLNetwork(nn.Module):
    """As CleanRL writes its DQN for Atari, or the shared part of its PPO."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU()]
        layers += [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU()]
        self.network = nn.Sequential(*layers, *([nn.Linear(512, 4)] if heads == 1 else []))
        if heads == 2:
            self.actor, self.critic = nn.Linear(512, 4), nn.Linear(512, 1)

    def forward(self, levels: Tensor) -> list[Tensor]:
        hidden = self.network(levels / 255)
        return [self.actor(hidden), self.critic(hidden)] if hasattr(self, "actor") else [hidden]


@pytest.mark.parametrize("heads", [1, 2], ids=["DQN", "PPO"])
def test_a_state_dict_of_cleanrl_is_read_into_the_same_network(heads: int, tmp_path: Path) -> None:
    theirs = CleanRLNetwork(heads)
    torch.save(theirs.state_dict(), tmp_path / "dqn_atari.cleanrl_model")
    agent = load_imported(f"cleanrl:{tmp_path / 'dqn_atari.cleanrl_model'}", "breakout", ACTIONS)
    assert agent.name == "cleanrl-dqn_atari"
    gray = np.random.default_rng(0).integers(0, 256, (5, 4, 84, 84), dtype=np.uint8)
    output = agent.judge(np.repeat(gray[:, :, None], 3, axis=2))
    with torch.no_grad():
        scores, *value = theirs(torch.from_numpy(gray).float())
    torch.testing.assert_close(output.scores, scores)
    assert agent.has_critic == bool(value)
    for expected in value:
        torch.testing.assert_close(output.value, expected.squeeze(1))


def test_weights_of_half_precision_are_read_as_floats(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in good_weights().items()}
    (tmp_path / "half").write_bytes(saved(halves))
    agent = load_imported(f"cleanrl:{tmp_path / 'half'}", "breakout", ACTIONS)
    weight = agent.network.state_dict()["scores.weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, halves["network.9.weight"].float())


@pytest.mark.parametrize(
    ("kind", "name"), [("sb3", name) for name in SB3_FILES] + [("cleanrl", name) for name in CLEANRL_FILES]
)
def test_a_hostile_file_ends_in_an_error_and_runs_nothing(kind: str, name: str, tmp_path: Path) -> None:
    make, message = (SB3_FILES if kind == "sb3" else CLEANRL_FILES)[name]
    ran, file = tmp_path / "ran", tmp_path / "model.zip"
    file.write_bytes(make(ran))
    with pytest.raises(ProbeError, match=message) as caught:
        load_imported(f"{kind}:{file}", "breakout", ACTIONS)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert not ran.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


def test_there_are_more_than_thirty_hostile_files_and_the_file_that_they_spoil_is_good(
    tmp_path: Path,
) -> None:
    assert len(SB3_FILES) + len(CLEANRL_FILES) >= 30
    (tmp_path / "good").write_bytes(saved(good_weights()))
    assert load_imported(f"cleanrl:{tmp_path / 'good'}", "breakout", ACTIONS).actions == ACTIONS


def test_the_data_of_a_stable_baselines3_file_is_never_looked_at(tmp_path: Path) -> None:
    ours = NatureNetwork(4, has_critic=False).state_dict()
    layers = {"trunk.0": "features_extractor.cnn.0", "trunk.2": "features_extractor.cnn.2"}
    layers |= {"trunk.4": "features_extractor.cnn.4", "trunk.7": "features_extractor.linear.0"}
    layers |= {"scores": "q_net.0"}
    theirs = {f"q_net.{layers[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in ours.items()}
    ran = tmp_path / "ran"
    entries = hostile_files.unzipped(sb3(saved(theirs)))
    entries["data"] = hostile_files.calling("os", "system", f"touch {ran}")
    (tmp_path / "model.zip").write_bytes(hostile_files.zipped(entries))
    agent = load_imported(f"sb3:{tmp_path / 'model.zip'}", "breakout", ACTIONS)
    assert agent.name == "sb3-model"
    assert not ran.exists()


def test_policies_that_do_not_share_their_features_are_refused(tmp_path: Path) -> None:
    ours = NatureNetwork(4, has_critic=True).state_dict()
    layers = {"trunk.0": "features_extractor.cnn.0", "trunk.2": "features_extractor.cnn.2"}
    layers |= {"trunk.4": "features_extractor.cnn.4", "trunk.7": "features_extractor.linear.0"}
    layers |= {"scores": "action_net", "value": "value_net"}
    theirs = {f"{layers[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in ours.items()}
    key = "features_extractor.cnn.0.bias"
    file = tmp_path / "model.zip"
    file.write_bytes(sb3(saved(theirs | {f"pi_{key}": theirs[key], f"vf_{key}": theirs[key]})))
    assert load_imported(f"sb3:{file}", "breakout", ACTIONS).has_critic
    file.write_bytes(sb3(saved(theirs | {f"pi_{key}": theirs[key], f"vf_{key}": theirs[key] + 1})))
    with pytest.raises(ProbeError, match=r"vf_features_extractor\.cnn\.0\.bias differs"):
        load_imported(f"sb3:{file}", "breakout", ACTIONS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sbx:model.zip", r"allowed are sb3:FILE\.zip, .*did you mean sb3:model\.zip"),
        ("pong", r"allowed are sb3:FILE\.zip"),
        ("sb3:", r"allowed are sb3:FILE\.zip"),
        ("sb3:nowhere.zip", r"nowhere\.zip: cannot be read"),
        ("cleanrl:.", "found a folder"),
        ("cleanrl:" + "x" * 5000, "cannot be read"),
        ("no_such_module:function", "No module named 'no_such_module'"),
    ],
)
def test_names_that_lead_nowhere_are_told(name: str, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        load_imported(name, "breakout", ACTIONS)


def test_imported_names_are_told_from_others() -> None:
    assert all(is_imported(name) for name in ("sb3:a/b.zip", "cleanrl:x", "my.nets:make"))
    assert not any(is_imported(name) for name in ("pong", "runs/pong", "runs/pong:x/y"))


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function that writes a module in the working directory and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> str:
        name = f"own_nets_{tmp_path.name.replace('-', '_')}"
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_a_module_of_the_users_own_is_an_agent(nets: Callable[[str], str]) -> None:
    name = nets("from probes.domains.imported_agents import NatureNetwork\n\n\ndef make():\n"
                "    return NatureNetwork(4, has_critic=True)\n")  # fmt: skip
    agent = load_imported(f"{name}:make", "breakout", ACTIONS)
    assert agent.name == f"{name}-make"
    assert agent.has_critic
    with pytest.raises(ProbeError, match="did you mean 'make'"):
        load_imported(f"{name}:maker", "breakout", ACTIONS)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def make():\n    return 3\n", r"returned int, allowed is a torch\.nn\.Module"),
        ("def make(size):\n    return size\n", "TypeError: .*missing 1 required"),
        ("def make():\n    raise SystemExit(3)\n", "SystemExit: 3"),
        ("import nothing_like_this\n", "No module named 'nothing_like_this'"),
        ("def make(:\n", "SyntaxError"),
        ("from torch import nn\n\n\ndef make():\n    return nn.Flatten()\n", "found outputs"),
    ],
)
def test_a_module_that_is_no_agent_is_told(nets: Callable[[str], str], source: str, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        load_imported(f"{nets(source)}:make", "breakout", ACTIONS)
