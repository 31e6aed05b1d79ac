from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("ale_py")

from drivesim.rl.checkpoint import load_directory, load_network
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from probes.cli import MISUSE, main

TOY = (
    "--envs", "2", "--learning-starts", "32", "--batch", "8", "--hidden", "16", "--replay-frames", "400",
    "--precision", "float32",
)  # fmt: skip


FEW = ("--envs", "2", "--num-steps", "4", "--hidden", "16", "--precision", "float32")


def train(output: Path, *more: str, steps: int = 64) -> int:
    return main(["train", "atari:Freeway", "--steps", str(steps), *TOY, "-o", str(output), *more])


def test_an_agent_is_trained_kept_and_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "freeway"
    assert train(run, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["step"]) == ("finished", 64)
    network, metadata = load_network(Path(told["agent"]))
    assert isinstance(network, QNetwork)
    assert metadata["actions"] == ["noop", "up", "down"]
    assert metadata["game"] == "freeway"
    assert train(run, steps=96) == MISUSE  # it has begun
    assert "resume it" in capsys.readouterr().err
    assert train(tmp_path / "more", "--init", str(run)) == 0
    _, more = load_network(tmp_path / "more" / "agent")
    assert [command["from_step"] for command in more["commands"]] == [0, 0]
    assert more["commands"][1]["init"] == f"{run} after 64 steps"


def train_actor_critic(algo: str, output: Path, *more: str, steps: int) -> int:
    game = ["train", "atari:Freeway", "--algo", algo, "--steps", str(steps)]
    return main([*game, *FEW, "-o", str(output), *more])


@pytest.mark.parametrize("algo", ["a2c", "acktr"])
def test_an_actor_critic_is_trained_and_goes_on_bit_for_bit(algo: str, tmp_path: Path) -> None:
    # The learning rate falls with the share of --steps that is done, but for the first update, of 8 steps.
    assert train_actor_critic(algo, tmp_path / "parts", steps=8) == 0
    assert train_actor_critic(algo, tmp_path / "parts", "--resume", steps=16) == 0
    assert train_actor_critic(algo, tmp_path / "whole", steps=16) == 0
    network, metadata = load_network(tmp_path / "parts" / "agent")
    assert isinstance(network, ActorCritic)
    assert (metadata["algorithm"], metadata["game"], metadata["sticky"]) == (algo, "freeway", 0.0)
    assert metadata["actions"] == ["noop", "up", "down"]
    assert metadata["training"]["config"]["clip_rewards"] is True
    assert [command["from_step"] for command in metadata["commands"]] == [0, 8]
    parts, whole = (
        load_directory(tmp_path / run / "checkpoints" / "000000000016", "state")[0]
        for run in ("parts", "whole")
    )
    for name, array in whole.items():
        assert array.tobytes() == parts[name].tobytes(), name
    more = ("--init", str(tmp_path / "parts"))
    assert train_actor_critic(algo, tmp_path / "more", *more, steps=8) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["Freeway"], "found 'Freeway', allowed is atari: and a game"),
        (["atari:Freway"], "did you mean 'freeway'?"),
        (["atari:Freeway", "--envs", "3"], "one must be a multiple of the other"),
        (["atari:Freeway", "--resume"], "there is no checkpoint to resume"),
        (["atari:Freeway", "--init", "nobody"], "nobody"),
        (["atari:Freeway", "--discount", "2"], "discount is 2.0"),
        (["atari:Freeway", "--algo", "a2c", "--batch", "8"], "found --batch with --algo a2c; only dqn know"),
        (["atari:Freeway", "--num-steps", "8"], "found --num-steps with --algo dqn; only a2c and acktr know"),
        (["atari:Freeway", "--algo", "acktr", "--trust-region", "0"], "trust_region is 0.0"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments, "-o", str(tmp_path / "run")]) == MISUSE
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run" / "agent").exists()


def test_an_agent_of_another_game_is_no_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "freeway") == 0
    other = ["train", "atari:Boxing", *TOY, "--init", str(tmp_path / "freeway"), "-o", str(tmp_path / "b")]
    assert main(other) == MISUSE
    assert "has no dqn network of this shape for boxing" in capsys.readouterr().err
    assert train_actor_critic("a2c", tmp_path / "c", "--init", str(tmp_path / "freeway"), steps=8) == MISUSE
    assert "has no a2c network of this shape for freeway" in capsys.readouterr().err
